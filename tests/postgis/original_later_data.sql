-- Statuses and members, as the later revisions of the original server keep them.

UPDATE projects SET status = 'in_progress' WHERE id = 1;
UPDATE projects SET status = 'As-Built' WHERE id = 2;
INSERT INTO user_logins (user_sub, username) VALUES ('elena', 'elena@example.org'), ('filip', 'filip@example.org');
INSERT INTO project_users (project_id, user_sub, user_display_name, user_email, project_role, assigned_by_sub) VALUES
(1, 'elena', 'Elena Engineer', 'elena@example.org', 'manager', 'ana'),
(1, 'filip', 'Филип', NULL, 'specialist', 'elena'),
(1, 'olga', NULL, 'olga@example.org', 'observer', 'elena'),
(2, 'filip', NULL, NULL, 'specialist', 'ana');
INSERT INTO project_activity_log (project_id, event_type, user_sub, details) VALUES
(1, 'status_change', 'elena', '{"from": "planning", "to": "in_progress"}');
