"use strict";

// The page: the adapters with their state, looked up every second, and two models' answers to one prompt side by side.

const byId = (id) => document.getElementById(id);
const PERIOD_MS = 1000;
const SIDES = ["left", "right"];
let base = null;
let running = null;
let shown = null;
let offered = [];

function headers() {
  const key = byId("key").value;
  const json = { "Content-Type": "application/json" };
  return key ? { ...json, Authorization: "Bearer " + key } : json;
}

async function call(path, body) {
  const request = body === undefined
    ? { headers: headers() }
    : { method: "POST", headers: headers(), body: JSON.stringify(body) };
  const response = await fetch(path, request);
  const answer = await response.json();
  if (!response.ok) {
    throw new Error(answer.error_message ?? answer.error?.message ?? "status " + response.status);
  }
  return answer;
}

function say(text, isError) {
  byId("message").textContent = text;
  byId("message").className = isError ? "error" : "";
}

function cell(row, content, className) {
  const td = row.insertCell();
  td.append(content);
  if (className) {
    td.className = className;
  }
}

function button(label, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", action);
  return made;
}

async function change(doing, path, body) {
  say(doing + " …", false);
  try {
    await call(path, body);
    say("", false);
    return true;
  } catch (error) {
    say(error.message, true);
    shown = null; // a box that was ticked in vain shows the truth again
    return false;
  } finally {
    refresh();
  }
}

function size(bytes) {
  return bytes < 1e6 ? (bytes / 1e3).toFixed(0) + " kB" : (bytes / 1e6).toFixed(1) + " MB";
}

function showAdapters(adapters) {
  const rows = adapters.map((adapter) => {
    const row = document.createElement("tr");
    row.dataset.name = adapter.name;
    cell(row, adapter.name);
    cell(row, adapter.state, adapter.state);
    cell(row, String(adapter.active_requests));
    cell(row, String(adapter.max_rank));
    cell(row, size(adapter.bytes));
    const pin = document.createElement("input");
    pin.type = "checkbox";
    pin.checked = adapter.pinned;
    pin.setAttribute("aria-label", "pin " + adapter.name);
    pin.addEventListener("change", () =>
      change("Pinning", "/pin_lora_adapter", { lora_name: adapter.name, pinned: pin.checked }));
    cell(row, pin);
    cell(row, adapter.path);
    cell(row, button("Unload", () => change("Unloading " + adapter.name, "/unload_lora_adapter", { lora_name: adapter.name })));
    return row;
  });
  byId("adapters").replaceChildren(...rows);
  byId("none").hidden = adapters.length > 0;
}

// Keeps what was chosen as long as it is there.
function showChoices(names) {
  SIDES.forEach((side, place) => {
    const select = byId(side);
    const chosen = select.value;
    const present = [...select.options].map((option) => option.value);
    if (JSON.stringify(present) !== JSON.stringify(names)) {
      select.replaceChildren(...names.map((name) => new Option(name, name)));
      select.value = names.includes(chosen) ? chosen : names[Math.min(place, names.length - 1)];
    }
  });
}

async function refresh() {
  try {
    if (base === null) {
      base = (await call("/v1/models")).data[0].id;
      offered = (await call("/adapters/offered")).names;
      byId("base").textContent = base;
    }
    const { adapters } = await call("/adapters");
    const seen = JSON.stringify(adapters);
    if (seen !== shown) { // else a click could fall between the old row and the new one
      showAdapters(adapters);
      shown = seen;
    }
    const loaded = adapters.filter((adapter) => adapter.state !== "draining").map((adapter) => adapter.name);
    showChoices([base, ...new Set([...loaded, ...offered])]);
    byId("connection").textContent = "";
  } catch (error) {
    byId("connection").textContent = error.message;
    byId("connection").className = "error";
  }
}

// The JSON of each server-sent event.
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) {
      return;
    }
    const parts = (rest + value).split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      const data = part.replace(/^data: /, "");
      if (data === "[DONE]") {
        return;
      }
      yield JSON.parse(data);
    }
  }
}

async function stream(side, request, signal) {
  const text = byId(side + "-text");
  const note = byId(side + "-note");
  text.textContent = "";
  note.textContent = "…";
  note.className = "";
  const start = performance.now();
  try {
    const body = JSON.stringify({
      ...request, model: byId(side).value, stream: true, stream_options: { include_usage: true },
    });
    const response = await fetch("/v1/completions", { method: "POST", headers: headers(), body, signal });
    if (!response.ok) {
      throw new Error((await response.json()).error.message);
    }
    for await (const event of events(response)) {
      if (event.error) {
        throw new Error(event.error.message);
      }
      text.textContent += event.choices[0]?.text ?? "";
      if (event.usage) {
        const seconds = (performance.now() - start) / 1e3;
        note.textContent = event.usage.completion_tokens + " tokens in " + seconds.toFixed(2) + " s";
      }
    }
  } catch (error) {
    note.textContent = error.name === "AbortError" ? "stopped" : error.message;
    note.className = "error";
  }
}

byId("load").addEventListener("submit", async (event) => {
  event.preventDefault();
  const name = byId("load-name").value;
  const loaded = await change("Loading " + name, "/load_lora_adapter", {
    lora_name: name,
    lora_path: byId("load-path").value,
    pinned: byId("load-pinned").checked,
    load_inplace: byId("load-replace").checked,
  });
  if (loaded) {
    byId("load").reset();
  }
});

byId("compare").addEventListener("submit", async (event) => {
  event.preventDefault();
  running?.abort();
  const mine = new AbortController();
  running = mine;
  byId("stop").disabled = false;
  const request = {
    prompt: byId("prompt").value,
    max_tokens: Number(byId("tokens").value),
    temperature: Number(byId("temperature").value),
  };
  await Promise.all(SIDES.map((side) => stream(side, request, mine.signal)));
  if (running === mine) {
    running = null;
    byId("stop").disabled = true;
  }
});

byId("stop").addEventListener("click", () => running?.abort());
byId("key").addEventListener("change", refresh);
refresh();
setInterval(refresh, PERIOD_MS);
