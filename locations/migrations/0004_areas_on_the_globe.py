from django.db import migrations

CENTER_OF_AREA = """
CREATE FUNCTION locations_center_of_area() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.center := ST_Centroid(NEW.area);
    RETURN NEW;
END;
$$;
CREATE TRIGGER location_center_of_area
BEFORE INSERT OR UPDATE OF area, center ON locations_location
FOR EACH ROW WHEN (NEW.area IS NOT NULL) EXECUTE FUNCTION locations_center_of_area();
"""
# Only where there are any: in a new database what the audit's triggers call may not be there yet.
CENTERS_OF_STORED_AREAS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM locations_location WHERE area IS NOT NULL) THEN
        UPDATE locations_location SET center = ST_Centroid(area) WHERE area IS NOT NULL;
    END IF;
END;
$$;
"""
CENTER_OF_AREA_REMOVAL = """
DROP TRIGGER location_center_of_area ON locations_location;
DROP FUNCTION locations_center_of_area();
"""

LIMITS = """
ALTER TABLE locations_location
ADD CONSTRAINT location_area_of_at_most_2000_corners
CHECK (ST_NPoints(area::geometry) - ST_NRings(area::geometry) <= 2000),
ADD CONSTRAINT location_area_of_some_size
CHECK (ST_Area(area) > 0),
ADD CONSTRAINT location_center_on_the_globe
CHECK (NOT ST_IsEmpty(center::geometry) AND abs(ST_X(center::geometry)) <= 180 AND abs(ST_Y(center::geometry)) <= 90);
"""
LIMITS_REMOVAL = """
ALTER TABLE locations_location
DROP CONSTRAINT location_area_of_at_most_2000_corners,
DROP CONSTRAINT location_area_of_some_size,
DROP CONSTRAINT location_center_on_the_globe;
"""


class Migration(migrations.Migration):
    """The centre of an area is its own, whichever way it is written, and an area has corners and a size."""

    dependencies = [("locations", "0003_entry_radius")]

    operations = [
        migrations.RunSQL(CENTER_OF_AREA, reverse_sql=CENTER_OF_AREA_REMOVAL),
        migrations.RunSQL(CENTERS_OF_STORED_AREAS, reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(LIMITS, reverse_sql=LIMITS_REMOVAL),
    ]
