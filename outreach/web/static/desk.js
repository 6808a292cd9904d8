// Keys and ticks. Every page works without this file; it only saves movements of the hand.
(() => {
  "use strict";
  const keys = [
    ["j / k", "next / before"], ["Enter", "open"], ["x", "tick"], ["/", "search"], ["a", "approve"],
    ["h", "hold"], ["r", "reject: first write why"], ["u", "back to the list"], ["?", "these keys"],
  ];
  let place = -1;
  const rows = () => [...document.querySelectorAll("[data-row]")];
  const isWriting = (target) => target.matches("input:not([type=checkbox], [type=radio]), textarea, select");

  function go(step) {
    const all = rows();
    if (!all.length) return false;
    place = Math.min(Math.max(place + step, 0), all.length - 1);
    all.forEach((row, number) => row.classList.toggle("current", number === place));
    all[place].querySelector("a").focus();
    all[place].scrollIntoView({ block: "nearest" });
    return true;
  }

  function show() {
    let dialog = document.querySelector("dialog.keys");
    if (!dialog) {
      dialog = document.createElement("dialog");
      dialog.className = "keys";
      dialog.setAttribute("aria-label", "Keys");
      const list = document.createElement("dl");
      keys.forEach(([key, says]) => {
        const term = document.createElement("dt");
        const name = document.createElement("kbd");
        name.textContent = key;
        term.append(name);
        const meaning = document.createElement("dd");
        meaning.textContent = says;
        list.append(term, meaning);
      });
      const close = document.createElement("button");
      close.textContent = "Close";
      close.addEventListener("click", () => dialog.close());
      dialog.append(list, close);
      document.body.append(dialog);
    }
    dialog.showModal();
  }

  function press(key) {
    const found = document.querySelector(`[data-key="${CSS.escape(key)}"]:not(:disabled)`);
    if (!found) return false;
    const reason = found.form?.querySelector("[name=reason]");
    if (key !== "a" && reason && !reason.value) reason.focus();
    else if (found.name === "action") found.focus();
    else found.click();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && isWriting(event.target)) event.target.blur();
    if (isWriting(event.target)) return;
    const does = {
      j: () => go(1) || press("j"), k: () => go(-1) || press("k"), "?": () => (show(), true),
      "/": () => (document.querySelector("#search")?.focus(), true),
      x: () => (rows()[place]?.querySelector("input[type=checkbox]")?.click(), true),
      a: () => press("a"), h: () => press("h"), r: () => press("r"), u: () => press("u"),
    }[event.key];
    if (does && does()) event.preventDefault();
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-all]"))
      document.querySelectorAll("[name=notice]").forEach((box) => { box.checked = event.target.checked; });
  });

  // Decisions about many take seconds; nobody should press twice.
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "post" || event.defaultPrevented) return;
    setTimeout(() => event.target.querySelectorAll("button").forEach((one) => { one.disabled = true; }), 0);
    const working = event.target.querySelector("[data-working]");
    if (working) working.textContent = "Working: all of it is done together, or nothing …";
  });
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  const button = document.querySelector("[data-keys]");
  if (button) {
    button.hidden = false;
    button.addEventListener("click", show);
  }
})();
