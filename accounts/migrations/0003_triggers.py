from django.db import migrations

CLAIM = """
CREATE FUNCTION accounts_claim_handle() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted text := lower(NEW.handle COLLATE "C");
BEGIN
    INSERT INTO accounts_handle (key, namespace_id) VALUES (wanted, NEW.id) ON CONFLICT (key) DO NOTHING;
    PERFORM 1 FROM accounts_handle WHERE key = wanted AND namespace_id = NEW.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'handle % belongs or belonged to another namespace', wanted
            USING ERRCODE = 'unique_violation', TABLE = 'accounts_handle', CONSTRAINT = 'accounts_handle_pkey';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER accounts_claim_handle AFTER INSERT OR UPDATE OF handle ON accounts_namespace
    FOR EACH ROW EXECUTE FUNCTION accounts_claim_handle();
INSERT INTO accounts_handle (key, namespace_id) SELECT lower(handle COLLATE "C"), id FROM accounts_namespace ON CONFLICT (key) DO NOTHING;
"""

UNCLAIM = """
DROP TRIGGER accounts_claim_handle ON accounts_namespace;
DROP FUNCTION accounts_claim_handle();
"""

# The tests empty all tables between transactional tests; their connections, and no others, set gallery.allow_truncate.
APPEND_ONLY = """
CREATE FUNCTION accounts_audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND current_setting('gallery.allow_truncate', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'the audit trail is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER accounts_audit_no_change BEFORE UPDATE OR DELETE ON accounts_auditevent
    FOR EACH ROW EXECUTE FUNCTION accounts_audit_append_only();
CREATE TRIGGER accounts_audit_no_truncate BEFORE TRUNCATE ON accounts_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_append_only();
"""

APPEND_FREELY = """
DROP TRIGGER accounts_audit_no_change ON accounts_auditevent;
DROP TRIGGER accounts_audit_no_truncate ON accounts_auditevent;
DROP FUNCTION accounts_audit_append_only();
"""


class Migration(migrations.Migration):
    """Let the database itself claim handles and guard the audit trail, whichever program writes."""

    dependencies = [("accounts", "0002_claims_and_profile")]

    operations = [
        migrations.RunSQL(CLAIM, UNCLAIM),
        migrations.RunSQL(APPEND_ONLY, APPEND_FREELY),
    ]
