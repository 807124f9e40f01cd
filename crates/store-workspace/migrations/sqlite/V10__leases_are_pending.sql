-- Whatever is leased is pending, so it is found among what is due: an index of its own cost two writes for each hand-over.

DROP INDEX challenge_requests_leased;
