"""The demo world's places: logistics parks, ports, markets and stations in Europe, where they really are."""

from dataclasses import dataclass

from simulation.findmy.tracks import Point, offset

# Codes of Location.Kind.
STORAGE, DELIVERY = "STORAGE", "DELIVERY"


@dataclass(frozen=True, slots=True)
class Place:
    """center: (latitude, longitude). half_m: half the sides (north to south, west to east) of an area, in metres;
    a circle of radius_m without it."""

    name: str
    kind: str
    address: str
    center: Point
    radius_m: float = 400
    half_m: tuple[float, float] | None = None

    @property
    def corners(self) -> list[Point]:
        """The area's outline, closed; empty for a circle. The corners are cut, as those of a yard are."""
        if self.half_m is None:
            return []
        north, east = self.half_m
        cut = min(north, east) / 4
        outline = [
            (north, cut - east),
            (north, east - cut),
            (north - cut, east),
            (cut - north, east),
            (-north, east - cut),
            (-north, cut - east),
            (cut - north, -east),
            (north - cut, -east),
            (north, cut - east),
        ]
        return [offset(self.center, *step) for step in outline]


MAASVLAKTE = Place(
    "Distripark Maasvlakte", STORAGE, "Maasvlakte, Rotterdam, NL", (51.9515, 4.0300), half_m=(600, 800)
)
VENLO = Place("Trade Port Venlo", STORAGE, "Venlo, NL", (51.3890, 6.1060), 500)
DUISBURG = Place("logport Duisburg", STORAGE, "Rheinhausen, Duisburg, DE", (51.4050, 6.7290), 500)
LEIPZIG = Place("Air hub Leipzig/Halle", STORAGE, "Schkeuditz, DE", (51.4150, 12.2280), 500)
BOLOGNA = Place("Interporto Bologna", STORAGE, "Bentivoglio, IT", (44.5950, 11.4280), 500)
ZARAGOZA = Place("PLAZA Zaragoza", STORAGE, "Zaragoza, ES", (41.6360, -0.9950), half_m=(700, 900))

WESTHAFEN = Place("Westhafen", DELIVERY, "Moabit, Berlin, DE", (52.5365, 13.3420))
HAFENCITY = Place("HafenCity", DELIVERY, "Hamburg, DE", (53.5413, 9.9966))
RIEM = Place("Messe Riem", DELIVERY, "Munich, DE", (48.1352, 11.6958))
FREUDENAU = Place("Hafen Freudenau", DELIVERY, "Vienna, AT", (48.1763, 16.4790))
LETNANY = Place("PVA Letňany", DELIVERY, "Prague, CZ", (50.1290, 14.5145))
NORDHAVN = Place("Nordhavn", DELIVERY, "Copenhagen, DK", (55.7090, 12.5950))
WOLA = Place("Wola", DELIVERY, "Warsaw, PL", (52.2330, 20.9830))
RHO = Place("Fiera Milano", DELIVERY, "Rho, Milan, IT", (45.5200, 9.0780))
PART_DIEU = Place("Part-Dieu", DELIVERY, "Lyon, FR", (45.7606, 4.8594))
RUNGIS = Place("Marché de Rungis", DELIVERY, "Rungis, Paris, FR", (48.7570, 2.3520), half_m=(700, 600))
TOUR_ET_TAXIS = Place("Tour & Taxis", DELIVERY, "Brussels, BE", (50.8640, 4.3480))
ALTSTETTEN = Place("Altstetten", DELIVERY, "Zürich, CH", (47.3914, 8.4890))
ZONA_FRANCA = Place("Zona Franca", DELIVERY, "Barcelona, ES", (41.3420, 2.1370))
MERCAMADRID = Place("Mercamadrid", DELIVERY, "Madrid, ES", (40.3640, -3.6590), half_m=(600, 600))

QUEEN_SQUARE = Place("Queen Square Bus Station", STORAGE, "Liverpool, GB", (53.4078, -2.9832), 250)
CROXTETH = Place("Petherick Road", DELIVERY, "Croxteth, Liverpool, GB", (53.4619, -2.8950), 250)
