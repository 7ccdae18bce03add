/**
 * The arithmetic of a tracker's route: reports in the order of time become lines. It knows neither the page nor the
 * map, and is tested in tests/js. A report is a GeoJSON point with `seen_at` (ISO 8601) and
 * `not_counted`: why it doesn't count, empty if it does.
 */

/** The network has one byte for the accuracy: what is worse is told as this. */
const WORST_ACCURACY_M = 255;

/** Let longitudes run on past 180°, so that a line over the date line takes the short way, and number the reports. */
export function unrolled(features) {
  let before = null;
  return features.map((feature, index) => {
    let [lon, lat] = feature.geometry.coordinates;
    if (before !== null) lon = before + ((((lon - before + 180) % 360) + 360) % 360) - 180;
    before = lon;
    const properties = { ...feature.properties, index };
    return { type: "Feature", geometry: { type: "Point", coordinates: [lon, lat] }, properties };
  });
}

/** Return the route as lines: one for each run of reports without a gap, and one across each gap. */
export function routeLines(reports, gapMs) {
  const lines = [];
  let run = [];
  const finish = (gap, coordinates) => {
    if (coordinates.length < 2) return;
    lines.push({ type: "Feature", properties: { gap }, geometry: { type: "LineString", coordinates } });
  };
  reports.forEach((report, i) => {
    const place = report.geometry.coordinates;
    const before = reports[i - 1];
    if (before && seenMs(report) - seenMs(before) > gapMs) {
      finish(false, run);
      finish(true, [before.geometry.coordinates, place]);
      run = [];
    }
    run.push(place);
  });
  finish(false, run);
  return lines;
}

/** Whether a report counts; one that does not say so does. */
export function counts(report) {
  return !report.properties.not_counted;
}

/** Return the report at a position of the list, the first or last if it lies beyond. */
export function nearest(reports, index) {
  return reports[Math.min(Math.max(index, 0), reports.length - 1)];
}

/** Return the accuracy as text after a prefix; nothing if it is unknown. */
export function accuracyOf(report, prefix) {
  const radiusM = report.properties.accuracy_m;
  if (radiusM == null) return "";
  return `${prefix}±${Math.round(radiusM)} m${radiusM === WORST_ACCURACY_M ? " or worse" : ""}`;
}

function seenMs(report) {
  return Date.parse(report.properties.seen_at);
}
