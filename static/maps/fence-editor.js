/**
 * Draws the fence of a location: a circle (centre and radius_m) or a polygon (area, as GeoJSON).
 * The form's inputs hold the truth. Drawing writes them, and what is typed into them moves the drawing.
 * While a polygon is drawn, latitude and longitude follow its centre.
 */

const ACCENT = "#7c3aed";
const DEFAULT_RADIUS_M = 100;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const HINTS = {
  place: "Click the map to place the centre, or type latitude and longitude.",
  circle: "Drag the centre to move the fence, the handle to size it. Arrow keys move what has the focus.",
  draw: "Click the corners one by one; click the first again, or press Enter, to close the polygon.",
  area: "Drag a corner or the whole polygon. Drag a midpoint to add a corner, right-click one to remove it.",
  holes: "This area has holes or several parts: edit its GeoJSON, or clear it and draw a new one.",
  invalid: "The area is not a GeoJSON polygon.",
  swapped: "Latitude and longitude of the area seem to be swapped: GeoJSON writes the longitude first.",
};
// Farther out than this, a click hits a town at best: the map comes nearer.
const NEAR_ZOOM = 13;
const DRAWING_ZOOM = 15;

for (const root of document.querySelectorAll("[data-glimpse-fence]")) start(root);

async function start(root) {
  const element = root.querySelector("[data-map]");
  const shared = await import(element.dataset.mapUrl);
  const { areasUrl, polygonUrl, notesUrl } = root.dataset;
  const [areas, { createPolygonTool }, { createNotes }] = await Promise.all(
    [areasUrl, polygonUrl, notesUrl].map((url) => import(url)),
  );
  const { map, maplibre, geometry } = await shared.createMap(element);
  const inputs = findInputs(root);
  const editor = { root, map, maplibre, shared, geometry, areas, inputs, drawing: false, kept: "" };
  editor.note = createNotes(root, { inputs, runs: document.getElementById(root.dataset.runsId) });
  editor.otherPlaces = drawOthers(editor);
  addCircle(editor);
  editor.polygon = createPolygonTool(map, geometry, {
    drawing: () => showSize(editor),
    finished: () => polygonFinished(editor),
    changed: () => editor.shown && writeArea(editor),
  });
  connectButtons(editor);
  for (const input of Object.values(editor.inputs)) {
    input.addEventListener("input", () => readInputs(editor));
  }
  editor.inputs.area.addEventListener("input", () => centreOnArea(editor));
  root.addEventListener("glimpse:placed", () => showPlaced(editor));
  readInputs(editor);
  fit(editor);
  shared.announceReady(map);
}

function findInputs({ dataset }) {
  const ids = { lat: dataset.latId, lon: dataset.lonId, radius: dataset.radiusId, area: dataset.areaId };
  const inputs = {};
  for (const [name, id] of Object.entries(ids)) {
    inputs[name] = document.getElementById(id);
    if (!inputs[name]) throw new Error(`The fence editor finds no input with the id ${id}.`);
  }
  return inputs;
}

function drawOthers({ root, map, shared, geometry }) {
  const script = document.getElementById(root.dataset.others);
  const others = script ? JSON.parse(script.textContent).features : [];
  shared.drawFences(map, "glimpse-others", others, "#8b95a1");
  return others.flatMap((other) => geometry.positions(geometry.fenceArea(other).geometry));
}

/* Circle: an outline and two handles that can be dragged. */

function addCircle(editor) {
  const { map, shared, geometry, inputs } = editor;
  const source = "glimpse-fence";
  shared.setFeatures(map, source, []);
  const fill = { "fill-color": ACCENT, "fill-opacity": 0.18 };
  map.addLayer({ id: "glimpse-fence-fill", type: "fill", source, paint: fill });
  const line = { "line-color": ACCENT, "line-width": 2 };
  map.addLayer({ id: "glimpse-fence-line", type: "line", source, paint: line });
  editor.centre = addHandle(editor, "Centre of the fence", "glimpse-handle-centre", (place) => {
    writePlace(editor, place);
  });
  editor.edge = addHandle(editor, "Edge of the fence", "glimpse-handle-edge", (place) => {
    write(inputs.radius, Math.max(1, Math.round(geometry.distanceM(placeOf(editor), place))));
  });
  map.on("click", ({ lngLat }) => {
    if (editor.drawing) {
      comeNearer(editor, lngLat);
      return;
    }
    if (inputs.area.value.trim() || placeOf(editor)) return;
    writePlace(editor, lngLat.wrap().toArray());
    if (!radiusOf(editor)) write(inputs.radius, DEFAULT_RADIUS_M);
    readInputs(editor);
    if (map.getZoom() < NEAR_ZOOM) fit(editor);
  });
}

/** After the first corner of a polygon, so that the others can be set at the site. */
function comeNearer(editor, lngLat) {
  const isFirst = editor.drawing === "first";
  editor.drawing = true;
  if (isFirst && editor.map.getZoom() < NEAR_ZOOM) {
    // Not where the click was: a fraction of a pixel is far away after such a jump.
    editor.map.jumpTo({ center: editor.polygon.ring()?.[0] ?? lngLat, zoom: DRAWING_ZOOM });
  }
}

function addHandle(editor, label, className, moved) {
  const { map, maplibre } = editor;
  const element = document.createElement("div");
  element.className = `glimpse-handle ${className}`;
  element.tabIndex = 0;
  element.hidden = true;
  element.setAttribute("role", "button");
  element.setAttribute("aria-label", label);
  const marker = new maplibre.Marker({ element, draggable: true }).setLngLat([0, 0]).addTo(map);
  const changed = () => {
    moved(marker.getLngLat().wrap().toArray());
    readInputs(editor);
  };
  marker.on("drag", changed);
  element.addEventListener("keydown", (event) => {
    const step = ARROWS[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const pixels = event.shiftKey ? 10 : 1;
    const { x, y } = map.project(marker.getLngLat());
    marker.setLngLat(map.unproject([x + step[0] * pixels, y + step[1] * pixels]));
    changed();
  });
  return marker;
}

function showCircle(editor) {
  const { map, shared, geometry } = editor;
  const place = placeOf(editor);
  const radiusM = radiusOf(editor);
  editor.centre.getElement().hidden = !place;
  editor.edge.getElement().hidden = !(place && radiusM);
  const features = [];
  if (place) editor.centre.setLngLat(place);
  if (place && radiusM) {
    const area = geometry.circlePolygon(...place, radiusM);
    features.push({ type: "Feature", properties: {}, geometry: area });
    editor.edge.setLngLat(geometry.destination(...place, radiusM, 90));
  }
  shared.setFeatures(map, "glimpse-fence", features);
  say(editor, place ? "circle" : "place");
  editor.note(place && radiusM ? editor.areas.circleNote(radiusM) : null);
}

function hideCircle(editor, geometry) {
  const features = geometry ? [{ type: "Feature", properties: {}, geometry }] : [];
  editor.centre.getElement().hidden = true;
  editor.edge.getElement().hidden = true;
  editor.shared.setFeatures(editor.map, "glimpse-fence", features);
}

/* Polygon: drawn and changed by the tool in polygon.js. */

function polygonFinished(editor) {
  editor.drawing = false;
  writeArea(editor);
  readInputs(editor);
}

/** While it is drawn, the last corner is where the pointer is. */
function showSize(editor) {
  const ring = editor.polygon.ring();
  const area = ring?.length > 3 && { type: "Polygon", coordinates: [ring] };
  editor.note(area ? editor.areas.sizeNote(area) : null, { isDrawn: false });
}

function writeArea(editor) {
  const drawn = editor.polygon.ring();
  if (!drawn) return;
  const { centre, ring } = editor.geometry.settledRing(drawn);
  const area = { type: "Polygon", coordinates: [ring] };
  const text = JSON.stringify(area);
  editor.shown = text;
  write(editor.inputs.area, text);
  writePlace(editor, centre);
  editor.note(editor.areas.sizeNote(area));
}

function showArea(editor, text) {
  const area = editor.areas.parseArea(text);
  const place = placeOf(editor);
  const isSimple = area?.type === "Polygon" && area.coordinates.length === 1;
  hideCircle(editor, isSimple ? null : area);
  if (!isSimple) clearPolygon(editor);
  else if (editor.shown !== text) {
    editor.polygon.load(area.coordinates[0]);
    editor.shown = text;
  }
  editor.note(area ? editor.areas.sizeNote(area) : null);
  if (!area) say(editor, "invalid", true);
  else if (place && editor.areas.looksSwapped(place, area)) say(editor, "swapped", true);
  else say(editor, isSimple ? "area" : "holes");
}

/** An area has its own centre; one whose latitude stands first must not take the right centre away with it. */
function centreOnArea(editor) {
  const area = editor.areas.parseArea(editor.inputs.area.value);
  const place = placeOf(editor);
  if (!area || (place && editor.areas.looksSwapped(place, area))) return;
  const [outline] = area.type === "Polygon" ? area.coordinates : area.coordinates[0];
  writePlace(editor, editor.geometry.settledRing(outline).centre);
  readInputs(editor);
  fit(editor);
}

function clearPolygon(editor) {
  editor.shown = null;
  editor.polygon.clear();
}

/* Inputs and buttons. */

function readInputs(editor) {
  const text = editor.inputs.area.value.trim();
  if (text) {
    editor.drawing = false;
    showArea(editor, text);
  } else if (editor.drawing) {
    hideCircle(editor);
    say(editor, "draw");
    editor.note(null);
  } else {
    clearPolygon(editor);
    showCircle(editor);
  }
  const pressed = text || editor.drawing ? "area" : "circle";
  for (const action of ["circle", "area"]) {
    button(editor, action).setAttribute("aria-pressed", String(action === pressed));
  }
}

function connectButtons(editor) {
  const actions = { circle: toCircle, area: toArea, clear, fit };
  for (const [action, run] of Object.entries(actions)) {
    button(editor, action).addEventListener("click", () => run(editor));
  }
}

function toCircle(editor) {
  editor.kept = editor.inputs.area.value || editor.kept;
  editor.drawing = false;
  write(editor.inputs.area, "");
  readInputs(editor);
}

function toArea(editor) {
  if (editor.inputs.area.value.trim() || editor.drawing) return;
  if (editor.kept) write(editor.inputs.area, editor.kept);
  else startDrawing(editor);
  readInputs(editor);
}

/** Somebody chose a place elsewhere on the page: its circle is shown. "Polygon" brings back what was drawn. */
function showPlaced(editor) {
  if (!radiusOf(editor)) write(editor.inputs.radius, DEFAULT_RADIUS_M);
  toCircle(editor);
  fit(editor);
}

function clear(editor) {
  const again = editor.drawing || editor.inputs.area.value.trim();
  editor.kept = "";
  for (const name of ["lat", "lon", "area"]) write(editor.inputs[name], "");
  if (again) startDrawing(editor);
  readInputs(editor);
}

function startDrawing(editor) {
  editor.shown = null;
  editor.drawing = "first";
  editor.polygon.draw();
}

function fit(editor) {
  const { map, maplibre, shared, geometry } = editor;
  const area = editor.areas.parseArea(editor.inputs.area.value);
  const place = placeOf(editor);
  const circle = place && geometry.circlePolygon(...place, radiusOf(editor) || DEFAULT_RADIUS_M);
  const own = area ?? circle;
  shared.fitPlaces(map, maplibre, own ? geometry.positions(own) : editor.otherPlaces, 17);
}

function button({ root }, action) {
  return root.querySelector(`[data-action="${action}"]`);
}

function placeOf({ geometry, inputs }) {
  return geometry.placeOf(inputs.lon.value, inputs.lat.value);
}

function radiusOf({ geometry, inputs }) {
  return geometry.radiusOf(inputs.radius.value);
}

function writePlace({ inputs }, [lon, lat]) {
  write(inputs.lat, lat.toFixed(6));
  write(inputs.lon, lon.toFixed(6));
}

function write(input, value) {
  if (input.value === String(value)) return;
  input.value = value;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

function say({ root }, hint, isError = false) {
  const line = root.querySelector("[data-hint]");
  if (line.textContent !== HINTS[hint]) line.textContent = HINTS[hint];
  line.toggleAttribute("data-error", isError);
}
