import assert from "node:assert/strict";
import { test } from "node:test";

import * as areas from "../../static/maps/areas.mjs";

const SQUARE = [[10, 50], [12, 50], [12, 52], [10, 52], [10, 50]];
const FIJI = [[179.9, -18.7], [180.1, -18.7], [180.1, -18.5], [179.9, -18.5], [179.9, -18.7]];
const POLYGON = { type: "Polygon", coordinates: [SQUARE] };

function parse(value) {
  return areas.parseArea(JSON.stringify(value));
}

function isNear(actual, expected, tolerance) {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not near ${expected}`);
}

test("a polygon is read by itself, from features and alone in a MultiPolygon", () => {
  const feature = { type: "Feature", properties: {}, geometry: POLYGON };
  assert.deepEqual(parse(POLYGON), POLYGON);
  assert.deepEqual(parse(feature), POLYGON);
  assert.deepEqual(parse({ type: "FeatureCollection", features: [feature] }), POLYGON);
  assert.deepEqual(parse({ type: "MultiPolygon", coordinates: [[SQUARE]] }), POLYGON);
});

test("heights are left out", () => {
  const high = SQUARE.map((place) => [...place, 112.5]);
  assert.deepEqual(parse({ type: "Polygon", coordinates: [high] }), POLYGON);
});

test("what is no area is none", () => {
  const others = [
    "",
    "{",
    "null",
    "12",
    '"Polygon"',
    '{"type": "Point", "coordinates": [1, 2]}',
    '{"type": "Polygon", "coordinates": []}',
    '{"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}',
    '{"type": "Polygon", "coordinates": [[["0", 0], [1, 1], [2, 0], ["0", 0]]]}',
    '{"type": "Polygon", "coordinates": [[[1e999, 0], [1, 1], [2, 0], [1e999, 0]]]}',
    '{"type": "Feature", "geometry": null}',
    '{"type": "FeatureCollection", "features": []}',
    '{"type": "GeometryCollection", "geometries": []}',
    "[".repeat(100_000),
  ];
  for (const text of others) assert.equal(areas.parseArea(text), null, text.slice(0, 80));
});

test("a ring over the date line is one ring, however it is written", () => {
  const wrapped = FIJI.map(([lon, lat]) => [lon > 180 ? lon - 360 : lon, lat]);
  const turned = FIJI.map(([lon, lat]) => [lon - 360, lat]);
  for (const ring of [FIJI, wrapped, turned]) {
    const { coordinates } = parse({ type: "Polygon", coordinates: [ring] });
    const longitudes = coordinates[0].map(([lon]) => lon);
    isNear(Math.max(...longitudes) - Math.min(...longitudes), 0.2, 1e-9);
  }
});

test("halves that meet at the date line, and holes, lie beside the outline", () => {
  const west = [[179.9, -18.7], [180, -18.7], [180, -18.5], [179.9, -18.5], [179.9, -18.7]];
  const east = [[-180, -18.7], [-179.9, -18.7], [-179.9, -18.5], [-180, -18.5], [-180, -18.7]];
  const halves = parse({ type: "MultiPolygon", coordinates: [[west], [east]] });
  assert.equal(halves.type, "MultiPolygon");
  const longitudes = halves.coordinates.flat(2).map(([lon]) => lon);
  isNear(Math.max(...longitudes) - Math.min(...longitudes), 0.2, 1e-9);
  isNear(areas.sizeM2(halves), areas.sizeM2({ type: "Polygon", coordinates: [FIJI] }), 1);
  const hole = [[-179.95, -18.6], [-179.94, -18.6], [-179.94, -18.59], [-179.95, -18.6]];
  const [, found] = parse({ type: "Polygon", coordinates: [FIJI, hole] }).coordinates;
  isNear(found[0][0], 180.05, 1e-9);
});

test("a size is that of PostGIS within a percent, without the holes", () => {
  const size = areas.sizeM2({ type: "Polygon", coordinates: [FIJI] });
  isNear(size / 467.28e6, 1, 0.01);
  const degree = [[4, 52], [5, 52], [5, 53], [4, 53], [4, 52]];
  isNear(areas.sizeM2({ type: "Polygon", coordinates: [degree] }) / 7556.57e6, 1, 0.01);
  assert.equal(areas.sizeM2({ type: "Polygon", coordinates: [degree.toReversed()] }), areas.sizeM2({ type: "Polygon", coordinates: [degree] }));
  const hole = [[4.25, 52.25], [4.75, 52.25], [4.75, 52.75], [4.25, 52.75], [4.25, 52.25]];
  isNear(areas.sizeM2({ type: "Polygon", coordinates: [degree, hole] }) / 5667e6, 1, 0.01);
});

test("a size is told with as many digits as it deserves", () => {
  const told = { 3.14159: "3.1 m²", 850.4: "850 m²", 9999: "9,999 m²", 10_000: "0.01 km²", 360_000: "0.36 km²", 25.24e6: "25.2 km²", 7556.57e6: "7,557 km²" };
  for (const [m2, text] of Object.entries(told)) assert.equal(areas.sizeText(Number(m2)), text);
});

test("a very large area is warned of, and one that can not be saved is an error", () => {
  const box = (degrees) => ({ type: "Polygon", coordinates: [[[0, 0], [degrees, 0], [degrees, degrees], [0, degrees], [0, 0]]] });
  assert.deepEqual([0.01, 0.044, 0.046, 0.85, 0.95].map((degrees) => areas.sizeNote(box(degrees)).level), ["", "", "warning", "warning", "error"]);
  assert.match(areas.sizeNote(box(0.1)).text, /^Size: 124 km². That is very large/);
  assert.match(areas.sizeNote(box(2)).text, /at most 10,000 km²/);
});

test("too many corners are an error", () => {
  const ring = Array.from({ length: 2001 }, (_, i) => [Math.cos(i / 319) / 100, Math.sin(i / 319) / 100]);
  const note = areas.sizeNote({ type: "Polygon", coordinates: [[...ring, ring[0]]] });
  assert.equal(note.level, "error");
  assert.match(note.text, /2,001 corners/);
});

test("the size of a circle is told", () => {
  assert.deepEqual(areas.circleNote(100), { text: "Size: 0.03 km².", level: "" });
  assert.deepEqual(areas.circleNote(11), { text: "Size: 380 m².", level: "" });
});

test("latitude first is noticed by the centre", () => {
  const lot = [[9.19353, -75.81614], [9.19355, -75.8158], [9.19208, -75.81575], [9.19353, -75.81614]];
  const swapped = { type: "Polygon", coordinates: [lot] };
  assert.equal(areas.looksSwapped([-75.8159, 9.1928], swapped), true);
  const right = { type: "Polygon", coordinates: [lot.map(([a, b]) => [b, a])] };
  assert.equal(areas.looksSwapped([-75.8159, 9.1928], right), false);
  assert.equal(areas.looksSwapped([20, 20], right), false);
  assert.equal(areas.looksSwapped([-180, -18.6], { type: "Polygon", coordinates: [FIJI] }), false);
});

test("a ring moves to the east by degrees", () => {
  assert.deepEqual(areas.shifted([[1, 2], [3, 4]], 360), [[361, 2], [363, 4]]);
  assert.equal(areas.middleOf(FIJI), 180);
  assert.deepEqual(areas.unrolled([[179, 0], [-179, 1], [178, 0]]), [[179, 0], [181, 1], [178, 0]]);
});
