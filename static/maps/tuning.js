/**
 * Reports around a location, its circle as it is, and the circle of the radius that is chosen in the page. The data is
 * a JSON script element: {"centre": [lon, lat], "radius_m": number, "points": [[lon, lat, accuracy_m], …]}.
 */

const NOW_COLOUR = "#8b95a1";
const TRIAL_COLOUR = "#f59e0b";
const REPORT_COLOUR = "#3b82f6";

for (const root of document.querySelectorAll("[data-glimpse-tuning]")) start(root);

async function start(root) {
  const element = root.querySelector("[data-map]");
  const shared = await import(element.dataset.mapUrl);
  const data = JSON.parse(document.getElementById(root.dataset.source).textContent);
  const { map, maplibre, geometry } = await shared.createMap(element);
  shared.drawFences(map, "glimpse-now", [circle(data, data.radius_m)], NOW_COLOUR);
  shared.drawFences(map, "glimpse-trial", [], TRIAL_COLOUR);
  drawReports(map, shared, data.points);
  const trials = [...document.querySelectorAll("input[name=trial]")];
  const show = () => {
    const chosen = trials.find((trial) => trial.checked);
    const radiusM = chosen ? Number(chosen.value) : data.radius_m;
    shared.setFeatures(map, "glimpse-trial", [geometry.fenceArea(circle(data, radiusM))]);
    const around = geometry.circlePolygon(...data.centre, Math.max(radiusM, data.radius_m) * 1.6);
    shared.fitPlaces(map, maplibre, geometry.positions(around), 17);
  };
  for (const trial of trials) trial.addEventListener("change", show);
  show();
  shared.announceReady(map);
}

function circle({ centre }, radiusM) {
  return {
    type: "Feature",
    properties: { radius_m: radiusM },
    geometry: { type: "Point", coordinates: centre },
  };
}

function drawReports(map, shared, points) {
  const features = points.map(([lon, lat]) => ({
    type: "Feature",
    properties: {},
    geometry: { type: "Point", coordinates: [lon, lat] },
  }));
  shared.setFeatures(map, "glimpse-near", features);
  const paint = { "circle-radius": 3.5, "circle-color": REPORT_COLOUR, "circle-opacity": 0.55 };
  map.addLayer({ id: "glimpse-near-point", type: "circle", source: "glimpse-near", paint });
}
