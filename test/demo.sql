\set ON_ERROR_STOP 1
\getenv emulator HEALTHLAKE_EMULATOR_TLS
SELECT set_config('demo.emulator', :'emulator', false) \g /dev/null
DO $$ BEGIN IF coalesce(current_setting('healthlake.endpoint_url', true), '') <> current_setting('demo.emulator') THEN RAISE EXCEPTION 'this is for test/demo, whose server calls the emulator'; END IF; END $$;
\set ON_ERROR_STOP 0
-- 1. A data store is one line of SQL.

CREATE EXTENSION healthlake;

\x on
SELECT * FROM healthlake_create_datastore('ward 7');

-- 2. The same in AWS's own words: the members that boto3 takes, as jsonb. Here with
--    a key of the customer's, tags, and SMART on FHIR.

SELECT * FROM healthlake_create_datastore($$ {
    "DatastoreName": "ward 7 research",
    "DatastoreTypeVersion": "R4",
    "SseConfiguration": {"KmsEncryptionConfig": {
        "CmkType": "CUSTOMER_MANAGED_KMS_KEY",
        "KmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/0b7e3f5a-1c7d-4f4e-9d5e-6a7b8c9d0e1f"}},
    "IdentityProviderConfiguration": {
        "AuthorizationStrategy": "SMART_ON_FHIR_V1",
        "FineGrainedAuthorizationEnabled": true,
        "IdpLambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:identify",
        "Metadata": {
            "issuer": "https://id.example.org",
            "authorization_endpoint": "https://id.example.org/authorize",
            "token_endpoint": "https://id.example.org/token",
            "jwks_uri": "https://id.example.org/keys",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "scopes_supported": ["openid", "launch/patient", "patient/*.read"],
            "code_challenge_methods_supported": ["S256"],
            "capabilities": ["launch-ehr", "sso-openid-connect", "client-public"]}},
    "Tags": [{"Key": "team", "Value": "oncology"}, {"Key": "env", "Value": "test"}]
} $$::jsonb);
\x off

-- 3. What cannot work is refused here, all faults at once, and nothing is sent.

SELECT * FROM healthlake_create_datastore($$ {
    "DatastoreName": "ward 8",
    "Colour": "green",
    "Tags": [{"Key": "", "Value": 7}]
} $$::jsonb);
\echo SQLSTATE :LAST_ERROR_SQLSTATE

--    What AWS refuses comes back in AWS's own words, with the id of the request.

SELECT * FROM healthlake_create_datastore('ward 8', type_version => 'DSTU2');
\echo SQLSTATE :LAST_ERROR_SQLSTATE

-- 4. A data store for each row of a query, and a table that keeps who asked for what.

CREATE TABLE ward (name text PRIMARY KEY, team text);
INSERT INTO ward VALUES ('ward 1', 'surgery'), ('ward 2', 'paediatrics'), ('ward 3', 'surgery');

CREATE TABLE created (
    at timestamptz DEFAULT now(), by name DEFAULT session_user, ward text, id text, status text);

INSERT INTO created (ward, id, status)
SELECT ward.name, store.id, store.status
FROM ward, healthlake_create_datastore(ward.name, tags => jsonb_build_object('team', ward.team)) store
WHERE ward.team = 'surgery'
RETURNING by, ward, id, status;

-- 5. A trigger that enqueues: each new clinic gets a data store. The INSERT does not wait for AWS; a background
--    worker sends the requests after the commit.

CREATE TABLE clinic (id bigint PRIMARY KEY, name text);

CREATE FUNCTION request_datastore() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM healthlake_enqueue_create_datastore(
        NEW.name, reference => jsonb_build_object('clinic', NEW.id));
    RETURN NULL;
END $$;

CREATE TRIGGER request_datastore AFTER INSERT ON clinic FOR EACH ROW EXECUTE FUNCTION request_datastore();

INSERT INTO clinic VALUES (1, 'north clinic'), (2, 'south clinic');

SELECT clinic.name, done.state, done.datastore_id
FROM healthlake_request AS request
JOIN clinic ON clinic.id = (request.reference ->> 'clinic')::bigint,
    LATERAL healthlake_wait_request(request.id) AS done
ORDER BY clinic.id;

--    The same with a synchronous trigger, for comparison. The id is there at once, but every INSERT waits for AWS, and
--    a data store remains when the INSERT is rolled back.

CREATE TABLE branch (name text PRIMARY KEY, datastore_id text);

CREATE FUNCTION give_datastore() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.datastore_id := (healthlake_create_datastore(NEW.name)).id;
    RETURN NEW;
END $$;

CREATE TRIGGER give_datastore BEFORE INSERT ON branch FOR EACH ROW EXECUTE FUNCTION give_datastore();

INSERT INTO branch (name) VALUES ('east branch') RETURNING *;

-- 6. AWS does not take part in transactions. A rollback warns of what it cannot undo.

BEGIN;
SELECT id, status FROM healthlake_create_datastore('ward 9');
ROLLBACK;

--    The session's last call can be asked for, whatever became of its transaction.

\x on
SELECT operation, outcome, client_token, aws_request_id FROM healthlake_last_call();
\x off

-- 7. A queued request is sent after the commit: after a rollback nothing is sent, and a crash does not create two.

BEGIN;
SELECT healthlake_enqueue_create_datastore('ward 10');
ROLLBACK;

SELECT healthlake_enqueue_create_datastore('ward 11', until => 'ACTIVE', reference => '{"ward": 11}') AS request \gset
SELECT operation, state, reference, datastore_id FROM healthlake_wait_request(:request);

-- 8. FHIR resources: a data store, and three patients with an observation each by one transaction.

SELECT id FROM healthlake_create_datastore('clinic') \gset
SELECT id, status FROM healthlake_wait_datastore(:'id', poll_interval => '200 ms');
SET healthlake.datastore_id = :'id';

CREATE TABLE person (patient text PRIMARY KEY, family text, pulse int, room text);
INSERT INTO person VALUES ('p1', 'Aalto', 61, '101'), ('p2', 'Berg', 88, '102'), ('p3', 'Curie', 72, '103');

SELECT ordinal, status, type, version_id FROM healthlake_fhir_bundle((
    SELECT jsonb_agg(jsonb_build_object('method', 'PUT', 'url', kind || '/' || patient, 'resource', body) ORDER BY kind DESC, patient)
    FROM person, LATERAL (VALUES
        ('Patient', jsonb_build_object('resourceType', 'Patient', 'id', patient,
            'name', jsonb_build_array(jsonb_build_object('family', family)))),
        ('Observation', jsonb_build_object('resourceType', 'Observation', 'id', patient, 'status', 'final',
            'code', '{"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}'::jsonb,
            'subject', jsonb_build_object('reference', 'Patient/' || patient),
            'valueQuantity', jsonb_build_object('value', pulse, 'unit', '/min')))) AS entry (kind, body)));

--    A search, joined with a local table.

SELECT person.room, person.family, healthlake_fhirpath_numeric(found.resource, 'value.ofType(Quantity).value') AS pulse
FROM healthlake_fhir_search('Observation', '{"code": "http://loinc.org|8867-4"}') AS found
JOIN person ON 'Patient/' || person.patient = found.resource #>> '{subject,reference}'
ORDER BY pulse DESC;

--    The outbox: each new visit becomes one Encounter, after the commit. A visit that is rolled back does not.

CREATE TABLE visit (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), patient text REFERENCES person);

CREATE FUNCTION send_visit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM healthlake_fhir_enqueue_create(jsonb_build_object(
        'resourceType', 'Encounter', 'id', NEW.id, 'status', 'in-progress', 'class', '{"code": "AMB"}'::jsonb,
        'subject', jsonb_build_object('reference', 'Patient/' || NEW.patient)),
        reference => jsonb_build_object('visit', NEW.id));
    RETURN NULL;
END $$;

CREATE TRIGGER send_visit AFTER INSERT ON visit FOR EACH ROW EXECUTE FUNCTION send_visit();

INSERT INTO visit (patient) VALUES ('p1'), ('p2');
BEGIN;
INSERT INTO visit (patient) VALUES ('p3');
ROLLBACK;

SELECT visit.patient, done.state, done.resource_type, done.resource_id = visit.id::text AS same_id, done.version_id
FROM visit JOIN healthlake_request AS request ON request.reference ->> 'visit' = visit.id::text,
    LATERAL healthlake_wait_request(request.id) AS done
ORDER BY visit.patient;

SELECT healthlake_fhir_count('Encounter');

--    An update of a version that somebody has overtaken changes nothing, and says so.

SELECT healthlake_fhir_read('Patient', 'p1') AS mine \gset
SELECT version_id FROM healthlake_fhir_patch('Patient', 'p1', '[{"op": "add", "path": "/gender", "value": "female"}]');
SELECT version_id FROM healthlake_fhir_update(:'mine'::jsonb || '{"active": true}', if_match => :'mine'::jsonb #>> '{meta,versionId}');
SELECT version_id, resource ->> 'gender' AS gender
FROM healthlake_fhir_update(healthlake_fhir_read('Patient', 'p1') || '{"active": true}', if_match => '2');
