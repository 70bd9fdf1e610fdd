-- Links between the resources of a transaction in the queue, whose POSTs become PUTs with new ids.

\ir queue_setup.sql
\set store 0123456789abcdef0123456789abcdef
ALTER DATABASE :"DBNAME" SET healthlake.datastore_id = :'store';
\c
\ir emulator.sql
SELECT no_plan();

-- The body that is stored for these entries; nothing is sent, since nothing is committed.
CREATE FUNCTION stored(VARIADIC entries jsonb[]) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	sent bigint = healthlake_fhir_enqueue_bundle(to_jsonb(entries));
	found jsonb;
BEGIN
	SELECT body INTO found FROM healthlake_request WHERE id = sent;
	RETURN found;
END $$;

-- An entry that creates a patient, and one with an Observation.
CREATE FUNCTION patient(url text, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('method', 'POST', 'url', 'Patient', 'fullUrl', url, 'resource', '{"resourceType": "Patient"}' || more) $$;
CREATE FUNCTION observation(more jsonb, url text DEFAULT NULL) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_strip_nulls(jsonb_build_object('method', 'POST', 'url', 'Observation', 'fullUrl', url, 'resource', '{"resourceType": "Observation"}' || more)) $$;

-- What becomes of an Observation beside the patient; NEW is the place of the patient.
CREATE FUNCTION linked(target text, more jsonb, url text DEFAULT NULL, patient jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT replace(((b #> '{entry,1,resource}') - '{id,resourceType}'::text[])::text, b #>> '{entry,0,request,url}', 'NEW')::jsonb
	  FROM stored(patient(target, patient), observation(more, url)) AS b $$;

\set urn 'urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a'
\set url 'https://ex.org/fhir/Patient/1'
BEGIN;
SELECT is(linked(target, more::jsonb, url), wanted::jsonb, what) FROM (VALUES
	('a reference', :'urn', '{"subject": {"reference": "URN"}}', NULL, '{"subject": {"reference": "NEW"}}'),
	('in a list', :'urn', '{"performer": [{"reference": "Group/1"}, {"reference": "URN"}]}', NULL, '{"performer": [{"reference": "Group/1"}, {"reference": "NEW"}]}'),
	('in an extension', :'urn', '{"extension": [{"url": "URN", "valueReference": {"reference": "URN"}}]}', NULL, '{"extension": [{"url": "URN", "valueReference": {"reference": "NEW"}}]}'),
	('in a contained resource', :'urn', '{"contained": [{"resourceType": "Observation", "id": "c", "subject": {"reference": "URN"}}]}', NULL, '{"contained": [{"resourceType": "Observation", "id": "c", "subject": {"reference": "NEW"}}]}'),
	('a UUID in capitals', upper(:'urn'), '{"subject": {"reference": "URN"}}', NULL, '{"subject": {"reference": "NEW"}}'),
	('a fragment', :'urn', '{"subject": {"reference": "URN#x"}, "derivedFrom": [{"reference": "#c"}]}', NULL, '{"subject": {"reference": "NEW#x"}, "derivedFrom": [{"reference": "#c"}]}'),
	('part of a URN', :'urn', '{"subject": {"reference": "URN1"}}', NULL, '{"subject": {"reference": "URN1"}}'),
	('an OID', 'urn:oid:1.2.3', '{"subject": {"reference": "urn:oid:1.2.3"}}', NULL, '{"subject": {"reference": "NEW"}}'),
	('elements of type uri, url, oid and uuid', :'urn', '{"meta": {"source": "URN"}, "valueAttachment": {"url": "URN#p"}, "extension": [{"url": "x", "valueUri": "URN"}, {"url": "x", "valueUrl": "URN"}, {"url": "x", "valueOid": "URN"}, {"url": "x", "valueUuid": "URN"}]}', NULL,
		'{"meta": {"source": "NEW"}, "valueAttachment": {"url": "NEW#p"}, "extension": [{"url": "x", "valueUri": "NEW"}, {"url": "x", "valueUrl": "NEW"}, {"url": "x", "valueOid": "NEW"}, {"url": "x", "valueUuid": "NEW"}]}'),
	('and of no other type', :'urn', '{"identifier": [{"value": "URN"}], "valueString": "URN", "note": [{"text": "URN"}], "meta": {"profile": ["URN", "URN|1"]}, "extension": [{"url": "x", "valueCanonical": "URN"}, {"url": "x", "valueId": "URN"}]}', NULL,
		'{"identifier": [{"value": "URN"}], "valueString": "URN", "note": [{"text": "URN"}], "meta": {"profile": ["URN", "URN|1"]}, "extension": [{"url": "x", "valueCanonical": "URN"}, {"url": "x", "valueId": "URN"}]}'),
	('a URL', :'url', '{"subject": {"reference": "URL"}}', NULL, '{"subject": {"reference": "NEW"}}'),
	('another URL', :'url', '{"subject": {"reference": "https://ex.org/fhir/Patient/12"}}', NULL, '{"subject": {"reference": "https://ex.org/fhir/Patient/12"}}'),
	('a relative reference beside a URL', :'url', '{"subject": {"reference": "Patient/1"}, "valueAttachment": {"url": "Patient/1#x"}}', 'https://ex.org/fhir/Observation/2', '{"subject": {"reference": "NEW"}, "valueAttachment": {"url": "NEW#x"}}'),
	('of another server', :'url', '{"subject": {"reference": "Patient/1"}}', 'https://ex.org/Observation/2', '{"subject": {"reference": "Patient/1"}}'),
	('of an entry with a URN', :'url', '{"subject": {"reference": "Patient/1"}}', 'urn:uuid:2', '{"subject": {"reference": "Patient/1"}}'),
	('of an entry without a fullUrl', :'url', '{"subject": {"reference": "Patient/1"}}', NULL, '{"subject": {"reference": "Patient/1"}}'),
	('a conditional reference', :'url', '{"subject": {"reference": "Patient?identifier=URN"}}', 'https://ex.org/fhir/Observation/2', '{"subject": {"reference": "Patient?identifier=URN"}}'),
	('another version', :'url', '{"subject": {"reference": "URL/_history/3"}}', NULL, '{"subject": {"reference": "URL/_history/3"}}'),
	('a narrative', :'urn', '{"text": {"status": "generated", "div": "<div>URN <!-- <a href=\"URN\"> --><a class=\"x\" href = \"URN\">x &amp; y</a><img alt=''>'' src=''URN#i''/><a href=\"URN1\"/><a title=\"URN\"/></div>"}}', NULL,
		'{"text": {"status": "generated", "div": "<div>URN <!-- <a href=\"URN\"> --><a class=\"x\" href = \"NEW\">x &amp; y</a><img alt=''>'' src=''NEW#i''/><a href=\"URN1\"/><a title=\"URN\"/></div>"}}'),
	('what is no tag in one', :'urn', '{"text": {"div": "<?x <a href=\"URN\"?><![CDATA[<a href=\"URN\">]]><a href=URN href disabled \"x\" hrefs=\"URN\" src = 1/>< <a href=\"x&#0;&lt;&x;\"/>"}}', NULL, '{"text": {"div": "<?x <a href=\"URN\"?><![CDATA[<a href=\"URN\">]]><a href=URN href disabled \"x\" hrefs=\"URN\" src = 1/>< <a href=\"x&#0;&lt;&x;\"/>"}}'),
	('a narrative that is cut', :'urn', '{"text": {"div": "<div><a href=\"URN"}}', NULL, '{"text": {"div": "<div><a href=\"URN"}}'),
	('a relative link in one', :'url', '{"text": {"div": "<div><a href=\"Patient/1\">x</a></div>"}}', 'https://ex.org/fhir/Observation/2', '{"text": {"div": "<div><a href=\"NEW\">x</a></div>"}}')) AS v (what, target, given, url, want),
	LATERAL (SELECT replace(replace(given, 'URN', :'urn'), 'URL', :'url'), replace(replace(want, 'URN', :'urn'), 'URL', :'url')) AS w (more, wanted);
SELECT is(linked('http://ex.org/q', '{"subject": {"reference": "http://ex.org/q"}, "meta": {"source": "http://ex.org/q"}}', patient => '{"url": "http://ex.org/q"}'), '{"subject": {"reference": "NEW"}, "meta": {"source": "http://ex.org/q"}}',
	'a canonical URL names the resource wherever it is');

-- Entries that are no POST

\set put '{"method": "PUT", "url": "Patient/1", "fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "id": "1", "link": [{"other": {"reference": "urn:uuid:2"}}]}}'
SELECT is_row(ROW(b #> '{entry,0,fullUrl}', b #>> '{entry,0,resource,link,0,other,reference}' = b #>> '{entry,1,request,url}', b #>> '{entry,1,resource,subject,reference}', b #>> '{entry,1,fullUrl}'), ROW('"urn:uuid:1"'::jsonb, true, 'Patient/1', NULL::text), 'a PUT')
  FROM stored(:'put', observation('{"subject": {"reference": "urn:uuid:1"}}', 'urn:uuid:2')) AS b;
SELECT is(b #>> '{entry,1,resource,subject,reference}', want, url || ' of a PUT') FROM (VALUES ('https://ex.org/fhir/Patient/1', 'https://ex.org/fhir/Patient/1'), ('https://ex.org/fhir/Patient/2', 'Patient/1')) AS v (url, want),
	LATERAL stored(:'put'::jsonb || jsonb_build_object('fullUrl', url), observation(jsonb_build_object('subject', jsonb_build_object('reference', url)))) AS b;

-- Patches

CREATE FUNCTION patched(patch jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT replace(CASE b #>> '{entry,1,resource,resourceType}' WHEN 'Binary' THEN convert_from(decode(b #>> '{entry,1,resource,data}', 'base64'), 'UTF8') ELSE b #>> '{entry,1,resource}' END, b #>> '{entry,0,request,url}', 'NEW')::jsonb
	  FROM stored(patient('urn:uuid:1'), jsonb_build_object('method', 'PATCH', 'url', 'Observation/o', 'resource', patch)) AS b $$;
\set patch '[{"op": "test", "path": "/subject/reference", "value": "urn:uuid:1"}, {"op": "add", "path": "/performer/-", "value": {"reference": "urn:uuid:1", "display": "urn:uuid:1"}}, {"op": "add", "path": "/valueAttachment/url", "value": "urn:uuid:1"}, {"op": "add", "path": "/extension/0/url", "value": "urn:uuid:1"}, {"op": "add", "path": "/meta/profile/0", "value": "urn:uuid:1"}, {"op": "add", "path": "/text/div", "value": "<a href=\\"urn:uuid:1\\"/>"}, {"op": "remove", "path": "/x"}, 7]'
\set wanted '[{"op": "test", "path": "/subject/reference", "value": "NEW"}, {"op": "add", "path": "/performer/-", "value": {"reference": "NEW", "display": "urn:uuid:1"}}, {"op": "add", "path": "/valueAttachment/url", "value": "NEW"}, {"op": "add", "path": "/extension/0/url", "value": "urn:uuid:1"}, {"op": "add", "path": "/meta/profile/0", "value": "urn:uuid:1"}, {"op": "add", "path": "/text/div", "value": "<a href=\\"NEW\\"/>"}, {"op": "remove", "path": "/x"}, 7]'
SELECT is(patched(:'patch'), :'wanted', 'the values of a JSON Patch');
SELECT is(patched(jsonb_build_object('resourceType', 'Binary', 'contentType', 'application/json-patch+json', 'data', encode(convert_to(:'patch', 'UTF8'), 'base64'))), :'wanted', 'also in a Binary');
SELECT is(b #>> '{entry,0,resource,data}', 'bm8gcGF0Y2g=', 'what is no patch stays') FROM stored('{"method": "PATCH", "url": "Patient/1", "resource": {"resourceType": "Binary", "data": "bm8gcGF0Y2g="}}') AS b;
SELECT is(patched('{"resourceType": "Parameters", "parameter": [{"part": [{"name": "value", "valueReference": {"reference": "urn:uuid:1"}}, {"name": "value", "valueUri": "urn:uuid:1"}]}]}'),
	'{"resourceType": "Parameters", "parameter": [{"part": [{"name": "value", "valueReference": {"reference": "NEW"}}, {"name": "value", "valueUri": "NEW"}]}]}', 'the values of a FHIRPath Patch');

-- Refusals

SELECT is_row(ROW(sqlstate, message), ROW('22023', 'Bundle.entry[1] cannot be enqueued: ' || reason), reason)
  FROM (VALUES ('it has a link to a version of a resource, which gets another version', patient(:'url', '{"meta": {"versionId": "3"}}'), observation(jsonb_build_object('subject', jsonb_build_object('reference', :'url' || '/_history/3')))),
	('a link in its narrative is written with escapes', patient('https://ex.org/fhir/Patient/a&b'), observation('{"text": {"div": "<a href=\"https:&#x2f;&#47;ex.org/fhir/Patient/a&amp;b\"/>"}}')),
	('its patch has a link as a string', patient('urn:uuid:1'), '{"method": "PATCH", "url": "Observation/o", "resource": {"resourceType": "Parameters", "parameter": [{"part": [{"name": "value", "valueString": "urn:uuid:1"}]}]}}'),
	('its fullUrl is that of another entry', '{"method": "DELETE", "url": "Patient/1", "fullUrl": "urn:uuid:1"}', observation('{}', 'urn:uuid:1'))) AS v (reason, one, two),
	LATERAL raised(format('SELECT stored(%L, %L)', one, two));
SELECT finish();
ROLLBACK;
