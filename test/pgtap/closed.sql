-- Included first by every test: the server's configuration leads to no endpoint. Until a
-- test names the emulator, all requests go to a closed port of this machine.

SET healthlake.endpoint_url = 'http://127.0.0.1:1';
SET healthlake.sts_endpoint_url = '';
SET healthlake.proxy = '';
SET healthlake.role_arn = '';
SET healthlake.profile = '';
SET healthlake.credential_sources = 'settings';
SET healthlake.autostart_worker = off;
SET healthlake.allowed_regions = '';
SET healthlake.required_tags = '';
SET healthlake.require_customer_key = off;
SET healthlake.unknown_members = error;
