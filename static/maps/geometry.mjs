/**
 * The arithmetic of fences: circles, polygons and GeoJSON positions. It knows neither the page nor the map, and is
 * tested in tests/js. A place is `[lon, lat]` in degrees.
 */

const EARTH_RADIUS_M = 6371008.8;
// A few centimetres: as many digits as the form keeps.
export const PRECISION = 7;

/** Return the GeoJSON polygon of the points that are `radiusM` metres from a centre. */
export function circlePolygon(lon, lat, radiusM, steps = 72) {
  const ring = [];
  for (let i = 0; i < steps; i += 1) ring.push(destination(lon, lat, radiusM, (360 * i) / steps));
  ring.push(ring[0]);
  return { type: "Polygon", coordinates: [ring] };
}

/** Return `[lon, lat]` of the place `distanceM` metres away at a bearing in degrees. */
export function destination(lon, lat, distanceM, bearing) {
  const angle = distanceM / EARTH_RADIUS_M;
  const [theta, phi] = [radians(bearing), radians(lat)];
  const sine = Math.sin(phi) * Math.cos(angle) + Math.cos(phi) * Math.sin(angle) * Math.cos(theta);
  const east = Math.sin(theta) * Math.sin(angle) * Math.cos(phi);
  const turn = Math.atan2(east, Math.cos(angle) - Math.sin(phi) * sine);
  return [lon + degrees(turn), degrees(Math.asin(sine))];
}

/** Return the metres between two places. */
export function distanceM([lonA, latA], [lonB, latB]) {
  const [a, b] = [radians(latA), radians(latB)];
  const chord =
    Math.sin((b - a) / 2) ** 2 + Math.cos(a) * Math.cos(b) * Math.sin(radians(lonB - lonA) / 2) ** 2;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.sqrt(Math.min(chord, 1)));
}

/** Return the area of a fence: a polygon as it is, a point as a circle of its `radius_m`. */
export function fenceArea(feature) {
  const { geometry, properties } = feature;
  if (geometry.type !== "Point") return { ...feature, geometry };
  const [lon, lat] = geometry.coordinates;
  return { ...feature, geometry: circlePolygon(lon, lat, properties.radius_m) };
}

/** Return a fence as the point where its name stands: the middle of its extent. */
export function fenceName(feature) {
  const places = positions(feature.geometry);
  const middle = [0, 1].map((axis) => {
    const values = places.map((place) => place[axis]);
    return (Math.min(...values) + Math.max(...values)) / 2;
  });
  return { ...feature, geometry: { type: "Point", coordinates: middle } };
}

/** Return every position of a GeoJSON geometry as a flat list. */
export function positions(geometry) {
  return geometry.coordinates.flat(Infinity).reduce((places, value, index) => {
    if (index % 2) places.at(-1).push(value);
    else places.push([value]);
    return places;
  }, []);
}

/**
 * Return places that are far apart in longitude as they lie beside one another on the globe: 179 and -179 as 179 and
 * 181. What spans at most half of the globe stays as it is.
 */
export function narrowest(places) {
  const longitudes = places.map(([lon]) => lon);
  if (!places.length || Math.max(...longitudes) - Math.min(...longitudes) <= 180) return places;
  const sorted = longitudes.map((lon) => ((lon % 360) + 360) % 360).sort((a, b) => a - b);
  let [west, widest] = [sorted[0], sorted[0] + 360 - sorted.at(-1)];
  for (let i = 1; i < sorted.length; i += 1) {
    if (sorted[i] - sorted[i - 1] > widest) [west, widest] = [sorted[i], sorted[i] - sorted[i - 1]];
  }
  const start = west > 180 ? west - 360 : west;
  return places.map(([lon, lat]) => [lon + 360 * Math.ceil((start - lon) / 360 - 1e-12), lat]);
}

/** Return the centre of gravity of a closed ring; of a degenerate one its first corner. */
export function centroid(ring) {
  const [originX, originY] = ring[0];
  let [area, x, y] = [0, 0, 0];
  for (let i = 1; i < ring.length; i += 1) {
    const [ax, ay] = [ring[i - 1][0] - originX, ring[i - 1][1] - originY];
    const [bx, by] = [ring[i][0] - originX, ring[i][1] - originY];
    const cross = ax * by - bx * ay;
    area += cross;
    x += (ax + bx) * cross;
    y += (ay + by) * cross;
  }
  return area ? [originX + x / (3 * area), originY + y / (3 * area)] : ring[0];
}

/** Return a drawn ring brought back to the turn of the map where its centre is within ±180, rounded, and its centre. */
export function settledRing(ring) {
  const centre = centroid(ring);
  const turns = Math.round(centre[0] / 360) * 360;
  return {
    centre: [centre[0] - turns, centre[1]],
    ring: ring.map(([lon, lat]) => [round(lon - turns), round(lat)]),
  };
}

/** Return degrees with as many digits as a fence keeps. */
export function round(value) {
  return Number(value.toFixed(PRECISION));
}

/** Return the place of two texts, null unless both are numbers and the latitude is one. */
export function placeOf(lonText, latText) {
  const [lon, lat] = [numberOf(lonText), numberOf(latText)];
  return lon === null || lat === null || Math.abs(lat) > 90 ? null : [lon, lat];
}

/** Return the radius that a text says, null unless it is more than nothing. */
export function radiusOf(text) {
  const radiusM = numberOf(text);
  return radiusM > 0 ? radiusM : null;
}

function numberOf(text) {
  const value = Number.parseFloat(text);
  return Number.isFinite(value) ? value : null;
}

function radians(value) {
  return (value * Math.PI) / 180;
}

function degrees(value) {
  return (value * 180) / Math.PI;
}
