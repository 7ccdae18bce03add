import assert from "node:assert/strict";
import { test } from "node:test";

import * as geometry from "../../static/maps/geometry.mjs";

const BERLIN = [13.405, 52.52];
// A degree of a great circle of the Earth's mean radius.
const DEGREE_M = (2 * Math.PI * 6371008.8) / 360;

function isNear(actual, expected, tolerance, what = "") {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what} ${actual} is not near ${expected}`);
}

function isPlace(actual, expected, tolerance = 1e-9) {
  assert.equal(actual.length, 2);
  isNear(actual[0], expected[0], tolerance, "longitude");
  isNear(actual[1], expected[1], tolerance, "latitude");
}

test("a degree along the equator and along a meridian are equally long", () => {
  isNear(geometry.distanceM([0, 0], [1, 0]), DEGREE_M, 1e-3);
  isNear(geometry.distanceM([10, 50], [10, 51]), DEGREE_M, 1e-3);
});

test("a degree of longitude shrinks with the latitude", () => {
  isNear(geometry.distanceM([0, 60], [0.001, 60]), (DEGREE_M * 0.001) / 2, 1e-3);
});

test("distance is taken the short way over the date line, and is nothing to oneself", () => {
  isNear(geometry.distanceM([179.5, 0], [-179.5, 0]), DEGREE_M, 1e-3);
  assert.equal(geometry.distanceM(BERLIN, BERLIN), 0);
  isNear(geometry.distanceM([0, 0], [180, 0]), 180 * DEGREE_M, 1e-3);
});

test("bearings are clockwise from north", () => {
  isPlace(geometry.destination(0, 0, DEGREE_M, 0), [0, 1]);
  isPlace(geometry.destination(0, 0, DEGREE_M, 90), [1, 0]);
  isPlace(geometry.destination(0, 0, DEGREE_M, 180), [0, -1]);
  isPlace(geometry.destination(0, 0, DEGREE_M, 270), [-1, 0]);
});

test("a destination is as far away as was asked, at any place and bearing", () => {
  for (const place of [BERLIN, [-70, -53], [0, 0], [179.99, 10], [25, 78]]) {
    for (const metres of [1, 100, 50_000]) {
      for (let bearing = 0; bearing < 360; bearing += 45) {
        const there = geometry.destination(...place, metres, bearing);
        isNear(geometry.distanceM(place, there), metres, metres * 1e-6 + 1e-4);
      }
    }
  }
});

test("a circle is a closed ring of points that are all as far away as its radius", () => {
  const { type, coordinates } = geometry.circlePolygon(...BERLIN, 250);
  assert.equal(type, "Polygon");
  assert.equal(coordinates.length, 1);
  assert.equal(coordinates[0].length, 73);
  assert.deepEqual(coordinates[0][0], coordinates[0].at(-1));
  for (const place of coordinates[0]) isNear(geometry.distanceM(BERLIN, place), 250, 0.001);
  assert.equal(new Set(coordinates[0].map(String)).size, 72);
});

test("the area of a point is its circle, that of a polygon the polygon", () => {
  const properties = { name: "Depot", radius_m: 100 };
  const point = { type: "Feature", properties, geometry: { type: "Point", coordinates: BERLIN } };
  const circle = geometry.fenceArea(point);
  assert.deepEqual(circle.properties, properties);
  assert.deepEqual(circle.geometry, geometry.circlePolygon(...BERLIN, 100));
  assert.deepEqual(geometry.fenceArea(circle), circle);
  assert.equal(point.geometry.type, "Point");
});

test("a fence's name stands in the middle of its extent", () => {
  const ring = [[0, 0], [4, 0], [4, 2], [0, 0]];
  const fence = { type: "Feature", properties: { name: "L" }, geometry: { type: "Polygon", coordinates: [ring] } };
  const name = geometry.fenceName(fence);
  assert.deepEqual(name.geometry, { type: "Point", coordinates: [2, 1] });
  assert.deepEqual(name.properties, { name: "L" });
});

test("positions are told whatever the depth of the geometry", () => {
  assert.deepEqual(geometry.positions({ coordinates: [1, 2] }), [[1, 2]]);
  assert.deepEqual(geometry.positions({ coordinates: [[1, 2], [3, 4]] }), [[1, 2], [3, 4]]);
  assert.deepEqual(geometry.positions({ coordinates: [[[[1, 2], [3, 4]]], [[[5, 6]]]] }), [[1, 2], [3, 4], [5, 6]]);
  assert.deepEqual(geometry.positions({ coordinates: [] }), []);
});

const SQUARE = [[10, 50], [12, 50], [12, 52], [10, 52], [10, 50]];

test("places on both sides of the date line lie beside one another", () => {
  assert.deepEqual(geometry.narrowest([[179, 1], [-179, 2]]), [[179, 1], [181, 2]]);
  assert.deepEqual(geometry.narrowest([[-179, 2], [179, 1], [178, 3]]), [[181, 2], [179, 1], [178, 3]]);
  assert.deepEqual(geometry.narrowest([[-170, 0], [170, 0], [-160, 0]]), [[190, 0], [170, 0], [200, 0]]);
});

test("places within half of the globe stay where they are", () => {
  for (const places of [[], [[5, 52]], [[-70, 1], [100, 2]], [[350, 1], [370, 2]]]) {
    assert.deepEqual(geometry.narrowest(places), places);
  }
});

test("the centre of gravity does not depend on where the ring begins or how it turns", () => {
  isPlace(geometry.centroid(SQUARE), [11, 51]);
  isPlace(geometry.centroid(SQUARE.toReversed?.() ?? [...SQUARE].reverse()), [11, 51]);
  const shifted = [...SQUARE.slice(2, -1), ...SQUARE.slice(0, 3)];
  isPlace(geometry.centroid(shifted), [11, 51]);
});

test("the centre of gravity of an L lies where its weight is", () => {
  const ring = [[0, 0], [4, 0], [4, 1], [1, 1], [1, 4], [0, 4], [0, 0]];
  isPlace(geometry.centroid(ring), [9.5 / 7, 9.5 / 7]);
});

test("a ring without an area has its first corner for a centre", () => {
  assert.deepEqual(geometry.centroid([[3, 4], [5, 6], [3, 4]]), [3, 4]);
});

test("a ring that was drawn on another turn of the map comes back to the Earth", () => {
  for (const turns of [-2, -1, 0, 1, 3]) {
    const drawn = SQUARE.map(([lon, lat]) => [lon + 360 * turns, lat]);
    const { ring, centre } = geometry.settledRing(drawn);
    assert.deepEqual(ring, SQUARE);
    isPlace(centre, [11, 51]);
  }
});

test("a ring over the date line stays in one piece", () => {
  const drawn = [[178, 0], [181, 0], [181, 2], [178, 2], [178, 0]];
  const { ring, centre } = geometry.settledRing(drawn);
  assert.deepEqual(ring, drawn);
  isPlace(centre, [179.5, 1]);
});

test("degrees keep seven digits", () => {
  assert.equal(geometry.round(1.123456789), 1.1234568);
  assert.equal(geometry.round(-0.00000004), -0);
  assert.deepEqual(geometry.settledRing([[1.123456789, 2], [3, 2], [3, 4], [1.123456789, 2]]).ring[0], [1.1234568, 2]);
});

test("a place needs two numbers and a possible latitude", () => {
  assert.deepEqual(geometry.placeOf("13.405", "52.52"), BERLIN);
  assert.deepEqual(geometry.placeOf("0", "0"), [0, 0]);
  assert.deepEqual(geometry.placeOf("200", "-90"), [200, -90]);
  for (const [lon, lat] of [["", "52"], ["13", ""], ["13", "x"], ["13", "90.1"], ["13", "-91"], ["Infinity", "1"]]) {
    assert.equal(geometry.placeOf(lon, lat), null, `${lon} ${lat}`);
  }
});

test("a radius is more than nothing", () => {
  assert.equal(geometry.radiusOf("100"), 100);
  assert.equal(geometry.radiusOf("0.5"), 0.5);
  for (const text of ["", "0", "-3", "wide"]) assert.equal(geometry.radiusOf(text), null, text);
});
