"""Statements, scripts and data are found by name."""

import pytest

from foundation import app_files, lua, sql


def test_statement_is_found_by_app_and_name():
    assert "INSERT INTO trackers_locationreport" in sql.load("trackers/insert_reports")


def test_script_is_found_by_app_and_name():
    assert "redis.call" in lua.load("ingestion/claim")


def test_data_is_found_by_its_path():
    assert app_files.path("locations/data/countries.json.gz").is_file()


@pytest.mark.parametrize("load", [sql.load, lua.load])
def test_unknown_name_is_an_error(load):
    with pytest.raises(FileNotFoundError, match="no_such"):
        load("trackers/no_such")
