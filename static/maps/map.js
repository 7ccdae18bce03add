/**
 * The map that every page of Glimpse shares. Its element carries the addresses of all that it needs
 * (templates/maps/attributes.html): file names are hashed in production, so modules find one another
 * through these addresses and not through relative imports.
 */

const OURS = /^(glimpse|td)-/;
let unsettled = 0;
let geometry;

/**
 * Create a map in an element and resolve to `{map, maplibre, geometry}` once layers can be added; `geometry` is the
 * module geometry.mjs.
 * Without WebGL the element shows a message and the promise is rejected.
 */
export async function createMap(element) {
  unsettled += 1;
  const maplibre = await import(element.dataset.maplibreUrl);
  geometry = await import(element.dataset.geometryUrl);
  maplibre.setWorkerUrl(new URL(element.dataset.workerUrl, document.baseURI).href);
  let map;
  try {
    map = new maplibre.Map(mapOptions(element));
  } catch (error) {
    element.textContent = "This browser cannot draw the map (WebGL is off).";
    element.classList.add("glimpse-map-failed");
    throw error;
  }
  map.addControl(new maplibre.NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new maplibre.FullscreenControl(), "top-right");
  map.addControl(new maplibre.ScaleControl({ unit: "metric" }), "bottom-left");
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  followTheme(map, element);
  await map.once("load");
  return { map, maplibre, geometry };
}

/** Set `data-map-ready="1"` on the body once every map of the page has drawn what it was given. */
export function announceReady(map) {
  map.once("idle", () => {
    unsettled -= 1;
    if (unsettled === 0) document.body.dataset.mapReady = "1";
  });
  map.triggerRepaint();
}

/** Add a GeoJSON source, or replace the data of an existing one. */
export function setFeatures(map, source, features) {
  const data = { type: "FeatureCollection", features };
  const existing = map.getSource(source);
  if (existing) existing.setData(data);
  else map.addSource(source, { type: "geojson", data });
}

/**
 * Draw fences as tinted areas with their names in layers `<id>-fill`, `<id>-line` and `<id>-name`.
 * A fence is a GeoJSON feature: a polygon, or a point with `radius_m`; its property `name` is optional.
 */
export function drawFences(map, id, fences, colour) {
  setFeatures(map, id, fences.map(geometry.fenceArea));
  setFeatures(map, `${id}-names`, fences.map(geometry.fenceName));
  const fill = { "fill-color": colour, "fill-opacity": 0.16 };
  map.addLayer({ id: `${id}-fill`, type: "fill", source: id, paint: fill });
  const line = { "line-color": colour, "line-width": 1.4 };
  map.addLayer({ id: `${id}-line`, type: "line", source: id, paint: line });
  map.addLayer({
    id: `${id}-name`,
    type: "symbol",
    source: `${id}-names`,
    minzoom: 8,
    layout: { "text-field": ["coalesce", ["get", "name"], ""], "text-font": ["sans-serif"], "text-size": 12 },
    paint: labelPaint(isDark(map.getContainer())),
  });
}

/** Bring a list of `[lon, lat]` places into view; does nothing for an empty list. */
export function fitPlaces(map, maplibre, places, maxZoom = 14) {
  if (!places.length) return;
  const bounds = new maplibre.LngLatBounds();
  for (const place of geometry.narrowest(places)) bounds.extend(place);
  map.fitBounds(bounds, { padding: 56, maxZoom, animate: false });
}

function mapOptions(element) {
  return {
    container: element,
    style: styleUrl(element),
    center: [10, 30],
    zoom: 1,
    maxZoom: 19,
    dragRotate: false,
    pitchWithRotate: false,
    attributionControl: { compact: false },
    locale: { "Map.Title": element.getAttribute("aria-label") ?? "Map" },
    transformRequest: (url) => ({ url: new URL(url, document.baseURI).href }),
  };
}

function isDark(element) {
  const theme = element.dataset.theme ?? "auto";
  if (theme !== "auto") return theme === "dark";
  return document.documentElement.classList.contains("dark");
}

function labelPaint(dark) {
  return dark
    ? { "text-color": "#e5e9ee", "text-halo-color": "#161c23", "text-halo-width": 1.4 }
    : { "text-color": "#374151", "text-halo-color": "#ffffff", "text-halo-width": 1.4 };
}

function styleUrl(element) {
  const url = new URL(element.dataset.styleUrl, document.baseURI);
  url.searchParams.set("theme", isDark(element) ? "dark" : "light");
  return url.href;
}

function followTheme(map, element) {
  let current = styleUrl(element);
  const watcher = new MutationObserver(() => {
    const wanted = styleUrl(element);
    if (wanted === current) return;
    current = wanted;
    const transformStyle = (previous, next) => keepOurs(previous, next, isDark(element));
    map.setStyle(wanted, { transformStyle });
  });
  watcher.observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
  map.once("remove", () => watcher.disconnect());
}

function keepOurs(previous, next, dark) {
  if (!previous) return next;
  const sources = Object.entries(previous.sources).filter(([id]) => OURS.test(id));
  const layers = previous.layers.filter((layer) => OURS.test(layer.id));
  const repainted = layers.map((layer) =>
    layer.type === "symbol" && layer.id.endsWith("-name") ? { ...layer, paint: labelPaint(dark) } : layer,
  );
  return {
    ...next,
    sources: { ...next.sources, ...Object.fromEntries(sources) },
    layers: [...next.layers, ...repainted],
  };
}
