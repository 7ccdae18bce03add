import assert from "node:assert/strict";
import { test } from "node:test";

import * as route from "../../static/maps/route.mjs";

const HOUR_MS = 3_600_000;

function report(hour, lon, properties = {}) {
  const seenAt = new Date(Date.UTC(2026, 2, 10) + hour * HOUR_MS).toISOString();
  return {
    type: "Feature",
    properties: { seen_at: seenAt, ...properties },
    geometry: { type: "Point", coordinates: [lon, 50] },
  };
}

function linesOf(...reports) {
  return route
    .routeLines(reports, 6 * HOUR_MS)
    .map(({ properties, geometry }) => [properties.gap, geometry.coordinates.map(([lon]) => lon)]);
}

test("reports without a gap are one line", () => {
  assert.deepEqual(linesOf(report(0, 1), report(1, 2), report(7, 3)), [[false, [1, 2, 3]]]);
});

test("only more than the longest time without a report is a gap", () => {
  assert.deepEqual(linesOf(report(0, 1), report(6, 2)), [[false, [1, 2]]]);
  assert.deepEqual(linesOf(report(0, 1), report(6.001, 2)), [[true, [1, 2]]]);
});

test("a gap is a line of its own between those before and after it", () => {
  const lines = linesOf(report(0, 1), report(1, 2), report(9, 3), report(10, 4));
  assert.deepEqual(lines, [
    [false, [1, 2]],
    [true, [2, 3]],
    [false, [3, 4]],
  ]);
});

test("a report between two gaps is no line", () => {
  assert.deepEqual(linesOf(report(0, 1), report(9, 2), report(20, 3)), [
    [true, [1, 2]],
    [true, [2, 3]],
  ]);
});

test("one report, or none, is no line", () => {
  assert.deepEqual(linesOf(), []);
  assert.deepEqual(linesOf(report(0, 1)), []);
});

test("longitudes run on over the date line in both directions", () => {
  const lons = (...all) => route.unrolled(all.map((lon, i) => report(i, lon))).map((it) => it.geometry.coordinates[0]);
  assert.deepEqual(lons(179, -179, -178), [179, 181, 182]);
  assert.deepEqual(lons(-179, 179, 178), [-179, -181, -182]);
  assert.deepEqual(lons(170, -170, 170), [170, 190, 170]);
  assert.deepEqual(lons(10, 20, 5), [10, 20, 5]);
  assert.deepEqual(lons(0, 179, -2), [0, 179, 358]);
});

test("several times around the Earth goes on and on", () => {
  const lons = [0, 120, -120, 0, 120, -120, 0];
  const unrolled = route.unrolled(lons.map((lon, i) => report(i, lon)));
  assert.deepEqual(
    unrolled.map((it) => it.geometry.coordinates[0]),
    [0, 120, 240, 360, 480, 600, 720],
  );
});

test("reports are numbered and keep what they say", () => {
  const given = [report(0, 1, { status: "DELIVERED" }), report(1, 2)];
  const unrolled = route.unrolled(given);
  assert.deepEqual(
    unrolled.map((it) => [it.properties.index, it.properties.status]),
    [[0, "DELIVERED"], [1, undefined]],
  );
  assert.equal(given[0].properties.index, undefined);
  assert.deepEqual(route.unrolled([]), []);
});

test("a report counts unless it says otherwise", () => {
  assert.equal(route.counts(report(0, 1)), true);
  assert.equal(route.counts(report(0, 1, { not_counted: "" })), true);
  assert.equal(route.counts(report(0, 1, { not_counted: "outlier" })), false);
});

test("the player stops at the first and the last report", () => {
  assert.deepEqual(
    [-1, 0, 1, 2, 3].map((index) => route.nearest(["a", "b", "c"], index)),
    ["a", "a", "b", "c", "c"],
  );
});

test("an accuracy is said in whole metres, and an unknown one not at all", () => {
  assert.equal(route.accuracyOf(report(0, 1, { accuracy_m: 34.6 }), " · "), " · ±35 m");
  assert.equal(route.accuracyOf(report(0, 1, { accuracy_m: 0 }), ""), "±0 m");
  assert.equal(route.accuracyOf(report(0, 1, { accuracy_m: null }), " · "), "");
  assert.equal(route.accuracyOf(report(0, 1), " · "), "");
});
