-- What later revisions of the original server added.

ALTER TABLE projects ADD COLUMN status text NOT NULL DEFAULT 'planning';

CREATE TABLE user_logins (
    user_sub text PRIMARY KEY,
    username text,
    last_login_at timestamptz NOT NULL DEFAULT now(),
    login_source text DEFAULT 'web'
);

CREATE TABLE project_users (
    id serial PRIMARY KEY,
    project_id integer NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    user_sub text NOT NULL,
    user_display_name text,
    user_email text,
    project_role text NOT NULL DEFAULT 'specialist' CHECK (project_role IN ('manager', 'specialist', 'observer')),
    assigned_at timestamptz DEFAULT now(),
    assigned_by_sub text,
    UNIQUE (project_id, user_sub)
);

CREATE TABLE project_activity_log (
    id serial PRIMARY KEY,
    project_id integer NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    event_type text NOT NULL,
    user_sub text NOT NULL,
    details jsonb DEFAULT '{}',
    created_at timestamptz DEFAULT now()
);
CREATE INDEX idx_activity_project ON project_activity_log (project_id, created_at DESC);
