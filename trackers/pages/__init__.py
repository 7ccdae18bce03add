"""What pages about trackers show, as values: for a user or a queryset, at a time. They know no admin, no request and no
address of a page, so that the admin and a portal for clients can show the same.
"""
