// «Задать вопрос» on one page: topics and fields follow the choice at once. Without this script the same form goes
// through steps; the server renders both, and judges what is sent.
"use strict";

(function () {
  const form = document.getElementById("ask");
  if (form) onePage(form);
  for (const one of document.querySelectorAll("form[data-limit]")) one.addEventListener("submit", once);
  writing(document);

  function onePage(form) {
    const category = form.elements.category;
    const topics = document.getElementById("topics");
    const topic = form.elements.topic;
    const card = document.getElementById("card");
    const rest = document.getElementById("rest");
    const cards = { [card.dataset.card]: [...card.childNodes] };

    category.addEventListener("change", () => {
      const found = template("topics", category.value);
      topic.replaceChildren(topic.options[0], ...(found ? [found.content.cloneNode(true)] : []));
      topic.value = "";
      topics.hidden = !found;
      show();
    });
    topic.addEventListener("change", show);
    show();

    function show() {
      const isReady = category.value !== "" && (topics.hidden || topic.value !== "");
      const key = `${category.value}/${topic.value}`;
      if (key !== card.dataset.card) {
        cards[card.dataset.card] = [...card.childNodes];
        card.replaceChildren(...(cards[key] || copied(key)));
        card.dataset.card = key;
      }
      const later = document.getElementById("rest-later");
      if (isReady && later) {
        rest.append(later.content);
        for (const name of ["words", "email"]) restored(name);
        later.remove();
        writing(rest);
      }
      card.hidden = rest.hidden = !isReady;
    }

    function copied(key) {
      const found = template("card", key);
      return found ? [...found.content.cloneNode(true).childNodes] : [];
    }

    function restored(name) {
      const kept = document.getElementById(`kept-${name}`);
      const field = document.getElementById(name);
      if (kept && field) field.value = kept.value;
      if (kept) kept.remove();
    }
  }

  function template(name, key) {
    return [...document.querySelectorAll(`template[data-${name}]`)].find((one) => one.dataset[name] === key);
  }

  // A second click sends nothing: the server would know the form again, but its reader would wonder.
  function once(event) {
    const form = event.currentTarget;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "1";
    const again = () => delete form.dataset.sent;
    window.addEventListener("pageshow", again, { once: true });
    setTimeout(again, 5000); // a connection that broke off: the browser stays on this page
  }

  function writing(place) {
    for (const button of place.querySelectorAll("button[data-code]")) {
      if (!button.hidden) continue;
      button.hidden = false;
      button.addEventListener("click", () => fence(document.getElementById(button.dataset.code)));
    }
    for (const input of place.querySelectorAll("input[type=file]")) chosen(input);
  }

  // ``` around what is selected, on lines of their own.
  function fence(area) {
    const { selectionStart: start, selectionEnd: end, value } = area;
    const before = start > 0 && value[start - 1] !== "\n" ? "\n```\n" : "```\n";
    const selected = value.slice(start, end).replace(/\n$/, "");
    const after = value[end] === "\n" ? "\n```" : "\n```\n";
    area.setRangeText(before + selected + after, start, end, "end");
    const inside = start + before.length;
    area.focus();
    area.setSelectionRange(inside, inside + selected.length);
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // The names and sizes of the files that are chosen; too much is told before it is sent.
  function chosen(input) {
    const list = input.parentElement.querySelector(".chosen");
    const fault = input.parentElement.querySelector("[role=alert]");
    const limits = input.form.dataset;
    input.addEventListener("change", () => {
      const files = [...input.files];
      const total = files.reduce((sum, file) => sum + file.size, 0);
      list.replaceChildren(...files.map(line));
      list.hidden = files.length === 0;
      fault.hidden = total <= Number(limits.limit) && files.length <= Number(limits.most);
      input.setAttribute("aria-invalid", String(!fault.hidden));
    });
  }

  function line(file) {
    const item = document.createElement("li");
    const size = document.createElement("span");
    size.className = "quiet";
    size.textContent = ` ${readable(file.size)}`;
    item.append(file.name, size);
    return item;
  }

  function readable(octets) {
    const isRussian = document.documentElement.lang === "ru";
    const units = isRussian ? ["Б", "КБ", "МБ"] : ["B", "KB", "MB"];
    const step = octets >= 1000 * 1024 ? 2 : octets >= 1000 ? 1 : 0;
    const amount = octets / 1024 ** step;
    const digits = step && amount < 10 ? amount.toFixed(1) : amount.toFixed(0);
    return `${isRussian ? digits.replace(".", ",") : digits}\u00a0${units[step]}`;
  }
})();
