// Badge, list and thread of an open page follow what happens: the page asks for itself, and takes over what has changed.
// The form below a thread is never touched. Without this script, loading the page again shows the same.
"use strict";

(function () {
  const news = document.getElementById("news");
  if (!news) return;
  const SECONDS = 12;
  let tag = news.dataset.tag;
  let failures = 0;
  let timer = 0;
  let isAsking = false;

  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : look()));
  wait();

  function wait() {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(look, SECONDS * 1000 * 2 ** Math.min(failures, 4));
  }

  async function look() {
    if (isAsking) return;
    isAsking = true;
    clearTimeout(timer);
    try {
      const answer = await fetch(location.href, { headers: { "If-None-Match": tag }, cache: "no-store" });
      failures = answer.status < 500 && answer.status !== 429 ? 0 : failures + 1;
      if (answer.status !== 304 && failures === 0 && !(await take(answer))) return;
    } catch {
      failures += 1; // no network: later
    } finally {
      isAsking = false;
    }
    wait();
  }

  // False if there is nothing to follow any more: signed out, merged, or not his ticket now.
  async function take(answer) {
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok || answer.redirected || shape(page) !== shape(document)) {
      if (!isWriting()) location.replace(location.pathname + location.search);
      return isWriting() && answer.ok && !answer.redirected;
    }
    tag = page.getElementById("news").dataset.tag;
    const said = told(page);
    const shown = new Map([...document.querySelectorAll(".said[id]")].map((one) => [one.id, one]));
    inPlace(() => {
      for (const part of document.querySelectorAll("[data-live]")) renew(part, page, shown);
    });
    document.title = page.title;
    if (said) news.textContent = said;
    return true;
  }

  // What can be written here: a page where that has changed is another page.
  function shape(page) {
    const names = [...page.querySelectorAll("[data-live], #reply [name=solved], #reply [name=words]")];
    return names.map((one) => one.dataset.live || one.name).join(" ");
  }

  // A text that was begun, a tick, a file: none of it may be lost.
  function isWriting() {
    const isBegun = (one) => one.value !== one.defaultValue || one.checked !== one.defaultChecked;
    const fields = [...document.querySelectorAll("textarea, input:not([type=hidden])")];
    return fields.some((one) => one === document.activeElement || isBegun(one) || (one.name === "words" && one.value));
  }

  function renew(part, page, shown) {
    const fresh = page.querySelector(`[data-live="${part.dataset.live}"]`);
    if (plain(fresh) === plain(part)) return;
    for (const message of fresh.querySelectorAll(".said[id]")) {
      const known = shown.get(message.id);
      if (known && known.textContent === message.textContent) message.replaceWith(known); // as its reader left it
    }
    part.replaceChildren(...fresh.childNodes);
  }

  // Without the nonces, which are new on every page, and what the reader has unfolded.
  function plain(part) {
    return part.innerHTML.replace(/name="nonce" value="[^"]*"| open=""(?=>)/g, "");
  }

  // Whoever writes or reads stays where he is.
  function inPlace(change) {
    const held = document.activeElement;
    const link = held.closest("[data-live]") && held.getAttribute("href");
    const top = held.getBoundingClientRect().top;
    change();
    const again = link ? [...document.links].find((one) => one.getAttribute("href") === link) : held;
    if (again && again !== document.body && again.isConnected) {
      again.focus({ preventScroll: true });
      window.scrollBy(0, again.getBoundingClientRect().top - top);
    }
  }

  function told(page) {
    const ids = [...page.querySelectorAll('[data-live="newest"] .said')].map((one) => one.id);
    if (ids.some((id) => !document.getElementById(id))) return news.dataset.message;
    const [state, before] = [page, document].map((one) => text(one, ".head .state"));
    if (state !== before) return `${news.dataset.state}: ${state}`;
    const [unread, known] = [page, document].map((one) => text(one, ".badge [aria-hidden]"));
    if (unread !== known && unread !== "") return `${news.dataset.unread}: ${unread}`;
    const [list, old] = [page, document].map((one) => text(one, ".list"));
    return list === old ? "" : news.dataset.list;
  }

  function text(page, selector) {
    const found = page.querySelector(selector);
    return found ? found.textContent : "";
  }
})();
