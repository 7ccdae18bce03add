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
  holes: "This area has holes or several rings: edit its GeoJSON, or clear it and draw a new one.",
  invalid: "The area is not a GeoJSON polygon.",
};

for (const root of document.querySelectorAll("[data-glimpse-fence]")) start(root);

async function start(root) {
  const element = root.querySelector("[data-map]");
  const shared = await import(element.dataset.mapUrl);
  const { map, maplibre, geometry } = await shared.createMap(element);
  const editor = { root, map, maplibre, shared, geometry, inputs: findInputs(root), drawing: false, kept: "" };
  editor.otherPlaces = drawOthers(editor);
  addCircle(editor);
  addPolygon(editor);
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
    if (editor.drawing || inputs.area.value.trim() || placeOf(editor)) return;
    writePlace(editor, lngLat.wrap().toArray());
    if (!radiusOf(editor)) write(inputs.radius, DEFAULT_RADIUS_M);
    readInputs(editor);
  });
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
}

function hideCircle(editor, geometry) {
  const features = geometry ? [{ type: "Feature", properties: {}, geometry }] : [];
  editor.centre.getElement().hidden = true;
  editor.edge.getElement().hidden = true;
  editor.shared.setFeatures(editor.map, "glimpse-fence", features);
}

/* Polygon: terra-draw. */

function addPolygon(editor) {
  const { TerraDraw, TerraDrawPolygonMode, TerraDrawSelectMode, ValidateNotSelfIntersecting } = terraDraw;
  const { TerraDrawMapLibreGLAdapter } = terraDrawMaplibreGlAdapter;
  const validation = (feature, { updateType }) =>
    updateType === "provisional" ? { valid: true } : ValidateNotSelfIntersecting(feature);
  const coordinates = { midpoints: true, draggable: true, deletable: true };
  const colours = { fillColor: ACCENT, fillOpacity: 0.18, outlineColor: ACCENT, outlineWidth: 2 };
  editor.draw = new TerraDraw({
    adapter: new TerraDrawMapLibreGLAdapter({ map: editor.map, coordinatePrecision: editor.geometry.PRECISION }),
    modes: [
      new TerraDrawPolygonMode({ styles: { ...colours, closingPointColor: ACCENT }, validation }),
      new TerraDrawSelectMode({
        keyEvents: null,
        allowManualDeselection: false,
        flags: { polygon: { feature: { draggable: true, validation, coordinates } } },
        styles: {
          selectedPolygonColor: ACCENT,
          selectedPolygonFillOpacity: 0.18,
          selectedPolygonOutlineColor: ACCENT,
          selectionPointColor: "#ffffff",
          selectionPointOutlineColor: ACCENT,
          selectionPointOutlineWidth: 3,
          midPointColor: ACCENT,
        },
      }),
    ],
  });
  editor.draw.start();
  editor.draw.on("finish", () => polygonChanged(editor));
  editor.draw.on("change", () => {
    if (editor.shown && editor.draw.getMode() === "select") writeArea(editor);
  });
}

function polygonChanged(editor) {
  editor.drawing = false;
  writeArea(editor);
  if (editor.draw.getMode() !== "select") select(editor);
  readInputs(editor);
}

function writeArea(editor) {
  const polygon = drawnPolygon(editor);
  if (!polygon) return;
  const { centre, ring } = editor.geometry.settledRing(polygon.geometry.coordinates[0]);
  const text = JSON.stringify({ type: "Polygon", coordinates: [ring] });
  editor.shown = text;
  write(editor.inputs.area, text);
  writePlace(editor, centre);
}

function showArea(editor, text) {
  const geometry = editor.geometry.parsePolygon(text);
  if (!geometry) {
    hideCircle(editor);
    clearPolygon(editor);
    say(editor, "invalid", true);
  } else if (geometry.coordinates.length > 1) {
    hideCircle(editor, geometry);
    clearPolygon(editor);
    say(editor, "holes");
  } else {
    hideCircle(editor);
    if (editor.shown !== text) loadPolygon(editor, geometry);
    editor.shown = text;
    say(editor, "area");
  }
}

function centreOnArea(editor) {
  const area = editor.geometry.parsePolygon(editor.inputs.area.value);
  if (area) writePlace(editor, editor.geometry.centroid(area.coordinates[0]));
}

function loadPolygon(editor, area) {
  clearPolygon(editor);
  const { round } = editor.geometry;
  const coordinates = [area.coordinates[0].map(([lon, lat]) => [round(lon), round(lat)])];
  editor.draw.addFeatures([
    { type: "Feature", properties: { mode: "polygon" }, geometry: { type: "Polygon", coordinates } },
  ]);
  select(editor);
}

function clearPolygon(editor) {
  editor.shown = null;
  editor.draw.setMode("static");
  editor.draw.clear();
}

function select(editor) {
  const polygon = drawnPolygon(editor);
  editor.draw.setMode("select");
  if (polygon) editor.draw.selectFeature(polygon.id);
}

function drawnPolygon({ draw }) {
  return draw.getSnapshot().find((feature) => feature.geometry.type === "Polygon");
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
  clearPolygon(editor);
  editor.drawing = true;
  editor.draw.setMode("polygon");
}

function fit(editor) {
  const { map, maplibre, shared, geometry } = editor;
  const polygon = geometry.parsePolygon(editor.inputs.area.value);
  const place = placeOf(editor);
  const circle = place && geometry.circlePolygon(...place, radiusOf(editor) || DEFAULT_RADIUS_M);
  const own = polygon ?? circle;
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
