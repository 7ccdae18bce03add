/**
 * Draws one polygon on a map with terra-draw, anywhere: terra-draw takes no longitude beyond ±180, so it is shown a map
 * that is turned by whole degrees, such that the polygon lies in its middle, over the date line too.
 */

const ACCENT = "#7c3aed";

class TurnedAdapter extends terraDrawMaplibreGlAdapter.TerraDrawMapLibreGLAdapter {
  /** How many degrees to the east of terra-draw's own map ours is. */
  turn = 0;

  project(lng, lat) {
    const { x, y } = super.project(this.nearCentre(lng + this.turn), lat);
    return { x, y };
  }

  unproject(x, y) {
    const { lng, lat } = super.unproject(x, y);
    const turned = lng - this.turn;
    return { lng: turned - 360 * Math.round(turned / 360), lat };
  }

  render(changes, styling) {
    const turned = (features) => features.map((feature) => turnedFeature(feature, this.turn));
    const { created, updated, unchanged, deletedIds } = changes;
    super.render(
      { created: turned(created), updated: turned(updated), unchanged: turned(unchanged), deletedIds },
      styling,
    );
  }

  /** The longitude on the copy of the world that is shown in the middle of the map. */
  nearCentre(lng) {
    return lng + 360 * Math.round((this._map.getCenter().lng - lng) / 360);
  }
}

function turnedFeature(feature, degrees) {
  const { type, coordinates } = feature.geometry;
  return { ...feature, geometry: { type, coordinates: turnedPlaces(coordinates, degrees) } };
}

function turnedPlaces(coordinates, degrees) {
  if (typeof coordinates[0] === "number") return [coordinates[0] + degrees, coordinates[1]];
  return coordinates.map((inner) => turnedPlaces(inner, degrees));
}

/**
 * Return the tool: `draw()` begins a new polygon, `load(ring)` shows one to be changed, `ring()` is the current one or
 * null, `clear()` takes it away. `drawing` is called while one is drawn, `finished` when it was, `changed` while one is
 * changed.
 */
export function createPolygonTool(map, geometry, { drawing, finished, changed }) {
  const adapter = new TurnedAdapter({ map, coordinatePrecision: geometry.PRECISION });
  const terra = new terraDraw.TerraDraw({ adapter, modes: modes() });
  terra.start();
  const drawn = () => terra.getSnapshot().find((feature) => feature.geometry.type === "Polygon");
  const select = () => {
    const polygon = drawn();
    terra.setMode("select");
    if (polygon) terra.selectFeature(polygon.id);
  };
  const clear = () => {
    terra.setMode("static");
    terra.clear();
  };
  terra.on("finish", () => {
    finished();
    if (terra.getMode() !== "select") select();
  });
  terra.on("change", () => {
    if (terra.getMode() === "select") changed();
    if (terra.getMode() === "polygon") drawing();
  });
  return {
    clear,
    draw() {
      clear();
      adapter.turn = Math.round(map.getCenter().lng);
      terra.setMode("polygon");
    },
    load(ring) {
      clear();
      adapter.turn = Math.round(ring[0][0]);
      const coordinates = [ring.map(([lon, lat]) => [geometry.round(lon - adapter.turn), geometry.round(lat)])];
      terra.addFeatures([
        { type: "Feature", properties: { mode: "polygon" }, geometry: { type: "Polygon", coordinates } },
      ]);
      select();
    },
    ring() {
      const polygon = drawn();
      return polygon ? turnedPlaces(polygon.geometry.coordinates[0], adapter.turn) : null;
    },
  };
}

function modes() {
  const { TerraDrawPolygonMode, TerraDrawSelectMode, ValidateNotSelfIntersecting } = terraDraw;
  const validation = (feature, { updateType }) =>
    updateType === "provisional" ? { valid: true } : ValidateNotSelfIntersecting(feature);
  const coordinates = { midpoints: true, draggable: true, deletable: true };
  const colours = { fillColor: ACCENT, fillOpacity: 0.18, outlineColor: ACCENT, outlineWidth: 2 };
  return [
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
  ];
}
