/**
 * The route of a tracker on a map. The data is a JSON script element:
 *
 *   {"reports": FeatureCollection of Point, in order of seen_at, properties:
 *        seen_at, received_at (ISO 8601), accuracy_m, verdict, not_counted (why; empty if it counts), status,
 *        location (name or null),
 *    "fences": FeatureCollection of Polygon, or Point with radius_m; properties: name, kind}
 */

const STATUS_COLOURS = {
  CREATED: "#8b95a1",
  IN_TRANSIT: "#3b82f6",
  IN_STORAGE: "#f59e0b",
  DELIVERED: "#16a34a",
};
const STATUS_NAMES = {
  CREATED: "No status",
  IN_TRANSIT: "In transit",
  IN_STORAGE: "In storage",
  DELIVERED: "Delivered",
};
const KIND_COLOURS = ["match", ["get", "kind"], "DELIVERY", "#16a34a", "STORAGE", "#d97706", "#8b95a1"];
const STATUS_COLOUR = [
  "match",
  ["get", "status"],
  ...Object.entries(STATUS_COLOURS).flat(),
  STATUS_COLOURS.CREATED,
];
const HOUR_MS = 3_600_000;

for (const root of document.querySelectorAll("[data-glimpse-track]")) start(root);

async function start(root) {
  const element = root.querySelector("[data-map]");
  const shared = await import(element.dataset.mapUrl);
  const route = await import(root.dataset.routeUrl);
  const data = JSON.parse(document.getElementById(root.dataset.source).textContent);
  const reports = route.unrolled(data.reports?.features ?? []);
  const fences = data.fences?.features ?? [];
  const { map, maplibre, geometry } = await shared.createMap(element);
  const view = { root, map, maplibre, shared, geometry, route, reports, popup: null };
  shared.drawFences(map, "glimpse-fences", fences, KIND_COLOURS);
  drawRoute(view);
  drawReports(view);
  drawEnds(view);
  fit(view, fences);
  connectPointer(view);
  connectPlayer(view);
  shared.announceReady(map);
}

function drawRoute({ root, map, shared, route, reports }) {
  const gapMs = Number(root.dataset.gapHours) * HOUR_MS;
  shared.setFeatures(map, "glimpse-way", route.routeLines(reports.filter(route.counts), gapMs));
  const paint = { "line-color": "#3b82f6", "line-width": 2.5, "line-opacity": 0.75 };
  const layer = { type: "line", source: "glimpse-way", layout: { "line-join": "round" } };
  map.addLayer({ ...layer, id: "glimpse-way-line", filter: ["!", ["get", "gap"]], paint });
  const dashed = { ...paint, "line-width": 2, "line-dasharray": [2, 2] };
  map.addLayer({ ...layer, id: "glimpse-way-gap", filter: ["get", "gap"], paint: dashed });
}

function drawReports({ map, shared, reports }) {
  shared.setFeatures(map, "glimpse-accuracy", []);
  shared.setFeatures(map, "glimpse-reports", reports);
  shared.setFeatures(map, "glimpse-selected", []);
  map.addLayer({
    id: "glimpse-accuracy-fill",
    type: "fill",
    source: "glimpse-accuracy",
    paint: { "fill-color": STATUS_COLOUR, "fill-opacity": 0.18, "fill-outline-color": STATUS_COLOUR },
  });
  const hollow = ["!=", ["coalesce", ["get", "not_counted"], ""], ""];
  const impossible = ["in", ["coalesce", ["get", "verdict"], ""], ["literal", ["OUTLIER", "HELD"]]];
  const unused = ["case", impossible, "#e11d48", "#9ca3af"];
  map.addLayer({
    id: "glimpse-reports-dot",
    type: "circle",
    source: "glimpse-reports",
    paint: {
      "circle-radius": ["interpolate", ["linear"], ["zoom"], 3, 3, 10, 5, 15, 7],
      "circle-color": ["case", hollow, unused, STATUS_COLOUR],
      "circle-opacity": ["case", hollow, 0.15, 1],
      "circle-stroke-color": ["case", hollow, unused, "#ffffff"],
      "circle-stroke-width": 1.3,
    },
  });
  map.addLayer({
    id: "glimpse-selected-ring",
    type: "circle",
    source: "glimpse-selected",
    paint: {
      "circle-radius": 10,
      "circle-color": "rgba(0,0,0,0)",
      "circle-stroke-color": "#e11d48",
      "circle-stroke-width": 2.5,
    },
  });
}

function drawEnds({ map, maplibre, route, reports }) {
  const used = reports.filter(route.counts);
  if (used.length > 1) addPill(map, maplibre, used[0], "Start", "glimpse-pill");
  if (used.length) addPill(map, maplibre, used.at(-1), "Last seen", "glimpse-pill glimpse-pill-last");
}

function addPill(map, maplibre, report, text, className) {
  const element = document.createElement("div");
  element.className = className;
  element.textContent = text;
  const marker = new maplibre.Marker({ element, anchor: "bottom", offset: [0, -10] });
  marker.setLngLat(report.geometry.coordinates).addTo(map);
}

function fit({ map, maplibre, shared, geometry, route, reports }, fences) {
  const used = reports.filter(route.counts);
  const places = (used.length ? used : reports).map((report) => report.geometry.coordinates);
  const corners = fences.flatMap((fence) => geometry.positions(geometry.fenceArea(fence).geometry));
  shared.fitPlaces(map, maplibre, places.length ? places : corners);
}

function connectPointer(view) {
  const { map, reports } = view;
  const layer = "glimpse-reports-dot";
  map.on("mousemove", layer, (event) => {
    map.getCanvas().style.cursor = "pointer";
    showAccuracy(view, reports[event.features[0].properties.index]);
  });
  map.on("mouseleave", layer, () => {
    map.getCanvas().style.cursor = "";
    showAccuracy(view, view.selected);
  });
  map.on("click", layer, (event) => {
    const report = reports[event.features[0].properties.index];
    select(view, report);
    openPopup(view, report);
  });
}

function connectPlayer(view) {
  const { root, reports } = view;
  if (!reports.length) {
    root.querySelector("[data-empty]").hidden = false;
    return;
  }
  const slider = root.querySelector("[data-slider]");
  slider.max = reports.length - 1;
  const goTo = (index) => {
    const report = view.route.nearest(reports, index);
    view.popup?.remove();
    select(view, report);
    if (!view.map.getBounds().contains(report.geometry.coordinates)) {
      view.map.easeTo({ center: report.geometry.coordinates });
    }
  };
  slider.addEventListener("input", () => goTo(slider.valueAsNumber));
  for (const button of root.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => goTo(slider.valueAsNumber + Number(button.dataset.step)));
  }
  root.querySelector("[data-player]").hidden = false;
  select(view, reports.at(-1));
}

function select(view, report) {
  const { root, map, shared } = view;
  const slider = root.querySelector("[data-slider]");
  const summary = `${timeOf(view, report.properties.seen_at)} · ${statusOf(report)}${view.route.accuracyOf(report, " · ")}`;
  view.selected = report;
  shared.setFeatures(map, "glimpse-selected", [report]);
  showAccuracy(view, report);
  slider.value = report.properties.index;
  slider.setAttribute("aria-valuetext", summary);
  root.querySelector("[data-reading]").textContent =
    `${report.properties.index + 1} of ${view.reports.length} · ${summary}`;
}

function showAccuracy({ map, shared, geometry }, report) {
  const radiusM = report?.properties.accuracy_m;
  const features = [];
  if (radiusM) {
    const area = geometry.circlePolygon(...report.geometry.coordinates, radiusM);
    features.push({ type: "Feature", geometry: area, properties: { status: report.properties.status } });
  }
  shared.setFeatures(map, "glimpse-accuracy", features);
}

function openPopup(view, report) {
  const { seen_at: seenAt, received_at: receivedAt, location } = report.properties;
  const rows = [
    ["Seen", timeOf(view, seenAt)],
    ["Received", receivedAt && timeOf(view, receivedAt)],
    ["Where", location],
    ["Accuracy", view.route.accuracyOf(report, "") || "unknown"],
    ["Counts", report.properties.not_counted && `no: ${report.properties.not_counted}`],
  ];
  const body = document.createElement("dl");
  body.className = "glimpse-facts";
  for (const [term, text] of [["Status", statusOf(report)], ...rows]) {
    if (!text) continue;
    body.append(textElement("dt", term), textElement("dd", text));
  }
  view.popup?.remove();
  view.popup = new view.maplibre.Popup({ maxWidth: "20rem" })
    .setLngLat(report.geometry.coordinates)
    .setDOMContent(body)
    .addTo(view.map);
}

function textElement(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function statusOf(report) {
  return STATUS_NAMES[report.properties.status] ?? report.properties.status ?? STATUS_NAMES.CREATED;
}

function timeOf({ root }, value) {
  const options = { dateStyle: "medium", timeStyle: "short", timeZone: root.dataset.timeZone };
  const text = new Intl.DateTimeFormat(document.documentElement.lang || "en-GB", options);
  return `${text.format(new Date(value))} ${root.dataset.timeZone}`;
}
