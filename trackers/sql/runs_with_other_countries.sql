-- The runs of a day whose named countries, locations or gazetteer are no longer those by which their countries were
-- found, and by what they are to be found now; `most` at most.
SELECT run.id, basis.present
FROM clients_productionrun AS run
LEFT JOIN LATERAL (
    SELECT string_agg(location.center::text, ',' ORDER BY location.id) AS centres
    FROM locations_location_runs AS linked
    JOIN locations_location AS location ON location.id = linked.location_id
    WHERE linked.productionrun_id = run.id
) AS linked ON true
LEFT JOIN locations_gazetteer AS gazetteer ON true
CROSS JOIN LATERAL (
    SELECT md5(concat_ws('|', gazetteer.edition, gazetteer.loaded_at, run.countries, linked.centres)) AS present
) AS basis
LEFT JOIN trackers_runcountries AS known ON known.run_id = run.id
WHERE %(day)s::date BETWEEN run.start_date AND run.end_date AND known.basis IS DISTINCT FROM basis.present
ORDER BY run.id
LIMIT %(most)s
