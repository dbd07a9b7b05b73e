-- In the order of their publication.
DROP INDEX link_unpublished;
CREATE INDEX link_unpublished ON link (target, link_version) WHERE link_version <> published_version;
