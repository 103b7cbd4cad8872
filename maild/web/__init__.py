"""Doors over HTTP: action pages for people, health and metrics for machines. Decides nothing about tickets."""
