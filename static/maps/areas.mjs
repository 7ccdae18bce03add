/**
 * The arithmetic of drawn areas: GeoJSON as people paste it, its size, and longitudes that go on over the date line.
 * It knows neither the page nor the map, and is tested in tests/js. What is stored decides the server.
 */

// A sphere of the Earth's surface: sizes differ by at most half a percent from those on the spheroid.
const AUTHALIC_RADIUS_M = 6371007.2;
export const LARGE_M2 = 25e6;
export const MAX_M2 = 10_000e6;
export const MAX_CORNERS = 2000;

/**
 * Return the area that a text holds as GeoJSON, by itself or in features, without heights, its longitudes going on over
 * the date line: a Polygon, or a MultiPolygon of parts that are joined when it is saved. Null if it holds none.
 */
export function parseArea(text) {
  let polygons;
  try {
    polygons = polygonsOf(JSON.parse(text)).map((rings) => rings.map(flatRing));
  } catch {
    return null;
  }
  if (!polygons.length || !polygons.every(isArea)) return null;
  const middle = middleOf(unrolled(polygons[0][0]));
  const settled = polygons.map((rings) => rings.map((ring) => beside(unrolled(ring), middle)));
  return settled.length === 1
    ? { type: "Polygon", coordinates: settled[0] }
    : { type: "MultiPolygon", coordinates: settled };
}

function polygonsOf(value) {
  if (value.type === "FeatureCollection") return value.features.flatMap(polygonsOf);
  if (value.type === "Feature") return polygonsOf(value.geometry);
  if (value.type === "MultiPolygon") return value.coordinates;
  return value.type === "Polygon" ? [value.coordinates] : [];
}

function flatRing(ring) {
  return ring.map(([lon, lat]) => [lon, lat]);
}

function isArea(rings) {
  return rings.length > 0 && rings.every((ring) => ring.length > 3 && ring.flat().every(Number.isFinite));
}

/** Return a ring in which each edge is the shorter way: 179.9, -179.9 becomes 179.9, 180.1. */
export function unrolled(ring) {
  const found = [ring[0]];
  for (const [lon, lat] of ring.slice(1)) {
    const step = lon - found.at(-1)[0];
    found.push([Math.abs(step) > 180 ? lon - 360 * Math.round(step / 360) : lon, lat]);
  }
  return found;
}

/** Return a ring moved by whole turns, so that it lies beside a longitude. */
function beside(ring, longitude) {
  return shifted(ring, 360 * Math.round((longitude - middleOf(ring)) / 360));
}

/** Return a ring moved to the east by degrees. */
export function shifted(ring, degrees) {
  return degrees ? ring.map(([lon, lat]) => [lon + degrees, lat]) : ring;
}

/** Return the longitude halfway between the westernmost and the easternmost corner. */
export function middleOf(ring) {
  const longitudes = ring.map(([lon]) => lon);
  return (Math.min(...longitudes) + Math.max(...longitudes)) / 2;
}

/** Return how large an area is, in square metres; holes are no part of it. */
export function sizeM2({ type, coordinates }) {
  const polygons = type === "Polygon" ? [coordinates] : coordinates;
  const sizes = polygons.map(([outline, ...holes]) =>
    holes.reduce((size, hole) => size - ringM2(hole), ringM2(outline)),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function ringM2(ring) {
  let sum = 0;
  for (let i = 1; i < ring.length; i += 1) {
    const [[lonA, latA], [lonB, latB]] = [ring[i - 1], ring[i]];
    sum += radians(lonB - lonA) * (2 + Math.sin(radians(latA)) + Math.sin(radians(latB)));
  }
  return Math.abs((sum * AUTHALIC_RADIUS_M ** 2) / 2);
}

/** Return a size in words: 850 m², 0.36 km², 7,557 km². */
export function sizeText(m2) {
  if (m2 < 10_000) return `${number(m2, m2 < 10 ? 1 : 0)} m²`;
  const km2 = m2 / 1e6;
  return `${number(km2, km2 < 10 ? 2 : km2 < 100 ? 1 : 0)} km²`;
}

/** Return what is to be said of an area's size and corners: `{text, level}`, level `""`, `"warning"` or `"error"`. */
export function sizeNote(area) {
  const m2 = sizeM2(area);
  const text = `Size: ${sizeText(m2)}.`;
  const corners = cornersOf(area);
  if (corners > MAX_CORNERS) {
    return { text: `${text} It has ${number(corners, 0)} corners: at most 2,000 can be saved.`, level: "error" };
  }
  if (m2 > MAX_M2) return { text: `${text} That is too large: at most 10,000 km² can be saved.`, level: "error" };
  if (m2 >= LARGE_M2) {
    return { text: `${text} That is very large for a site: you are asked again before it is saved.`, level: "warning" };
  }
  return { text, level: "" };
}

function cornersOf({ type, coordinates }) {
  const rings = type === "Polygon" ? coordinates : coordinates.flat();
  return rings.reduce((sum, ring) => sum + ring.length - 1, 0);
}

/** Return the size of a circle on the map, in words. */
export function circleNote(radiusM) {
  return { text: `Size: ${sizeText(Math.PI * radiusM ** 2)}.`, level: "" };
}

/** Return whether a place lies in the extent of an area only with latitude and longitude exchanged. */
export function looksSwapped([lon, lat], area) {
  return !isInExtent([lon, lat], area) && isInExtent([lat, lon], area);
}

function isInExtent([lon, lat], { type, coordinates }) {
  const places = (type === "Polygon" ? coordinates : coordinates.flat()).flat();
  const [longitudes, latitudes] = [places.map((place) => place[0]), places.map((place) => place[1])];
  const [west, east] = [Math.min(...longitudes), Math.max(...longitudes)];
  const turned = lon + 360 * Math.ceil((west - lon) / 360);
  return turned <= east && Math.min(...latitudes) <= lat && lat <= Math.max(...latitudes);
}

function number(value, digits) {
  return value.toLocaleString("en-GB", { maximumFractionDigits: digits });
}

function radians(value) {
  return (value * Math.PI) / 180;
}
