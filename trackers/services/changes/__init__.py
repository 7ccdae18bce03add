"""Changes of locations, runs, clients and memberships, with all that follows from them: the services by which admin,
shell, API and imports make them.

Each writes by the service of the app that owns the table, queues the recomputation of the affected histories,
and publishes the fact, in one transaction. A preview is the same change, rolled back.
"""
