-- A living database of the original server: two real projects, and what years of use leave behind.

INSERT INTO projects (id, name, description, bounds_geom, created_at, created_by_sub, _modified_by_sub, _modified_at) VALUES
(1, 'Горње село', 'Прва фаза', ST_GeomFromText('POLYGON((21 43.9, 21.2 43.9, 21.2 44.1, 21 44.1, 21 43.9))', 4326),
 '2025-03-01 09:00:00+01', 'elena', 'elena', '2026-02-11 10:00:00+01'),
(2, 'Town', NULL, NULL, '2025-06-01 12:00:00+02', 'ana', NULL, NULL),
(7, 'Empty', '', NULL, '2026-01-15 12:00:00.123456+01', NULL, NULL, NULL);
SELECT setval('projects_id_seq', 9);

INSERT INTO ftth_okna (id, naziv, tip, broj_okna, adresa_ulica, adresa_broj, stanje, godina_ugradnje, napomena, project_id, geom, _modified_by_sub) VALUES
(1, 'Okno 1', 'D1', 'KO 1', 'Kralja Petra', '12a', 'Built', 2019, '', 1, ST_SetSRID(ST_MakePoint(21.0101, 44.0101), 4326), 'filip'),
(2, NULL, 'D2', 'KO 2', 'Улица липа', '3', 'Existing', 0, 'вода у окну', 1, ST_SetSRID(ST_MakePoint(21.0202, 44.0202), 4326), 'elena'),
(5, 'Okno bez mesta', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 2, NULL, NULL);
SELECT setval('ftth_okna_id_seq', 40);

INSERT INTO ftth_stubovi (id, naziv, tip, visina, materijal, stanje, godina_ugradnje, napomena, project_id, geom, _modified_by_sub) VALUES
(1, 'S-1', 'POLE', 9.1, 'Wood', 'Built', 2020, NULL, 1, ST_SetSRID(ST_MakePoint(21.03, 44.03), 4326), 'filip'),
(2, 'S-2', 'POLE', 0.1, 'Drvo', 'Planned', 2026, 'искривљен „лево“', 1, ST_SetSRID(ST_MakePoint(21.031, 44.031), 4326), 'elena'),
(3, 'S-3', NULL, 'NaN', 'Concrete', 'Planned', 2026, NULL, 1, ST_SetSRID(ST_MakePoint(21.032, 44.032), 4326), 'elena'),
-- metres of EPSG:3857, stamped as degrees: what an upload of the plugin's files left behind
(4, 'S-4', NULL, 8.5, 'Steel', 'Planned', 2026, NULL, 1, ST_SetSRID(ST_MakePoint(2343000, 5467000), 4326), 'filip'),
-- nobody's
(8, 'S-8', 'POLE', 7.5, 'Wood', 'Planned', 2025, 'ko ga je nacrtao?', NULL, ST_SetSRID(ST_MakePoint(21.5, 44.5), 4326), NULL),
(9, 'T-1', 'POLE', 12, 'Concrete', 'Built', 2021, NULL, 2, ST_SetSRID(ST_MakePoint(22, 45), 4326), 'ana');
SELECT setval('ftth_stubovi_id_seq', 9);

INSERT INTO ftth_kablovi_podzemni (id, naziv, tip, podtip, kapacitet, broj_cevcica, broj_vlakana, tip_kabla, vrsta_vlakana, color_code, od, do_, relacija, duzina_m, slack_m, total_len_m, stanje, godina_ugradnje, project_id, geom, _modified_by_sub) VALUES
(1, 'K-1', 'Optical', 'glavni', '48', 4, 48, 'TOSM03 4x12', 'SM', 'TIA-598-C', 'ODF-1', 'N-1', 'R1', 202.8503, 10, 212.8503, 'Built', 2020, 1,
 ST_GeomFromText('LINESTRING(21.01 44.01, 21.015 44.013, 21.02 44.02)', 4326), 'elena'),
(2, 'K-2', 'Optical', 'razvodni', '12', 1, 12, '1x12', 'SM', 'TIA-598-C', 'N-1', 'TO-1', 'R1', 75.1, 0, 75.1, 'Planned', 2026, 1,
 ST_GeomFromText('LINESTRING(21.02 44.02, 21.025 44.025)', 4326), 'elena'),
(6, 'TK-1', 'Optical', 'glavni', '24', 2, 24, '2x12', 'SM', 'TIA-598-C', NULL, NULL, NULL, 300, NULL, NULL, 'Built', 2021, 2,
 ST_GeomFromText('LINESTRING(22 45, 22.01 45.01)', 4326), 'ana');
SELECT setval('ftth_kablovi_podzemni_id_seq', 6);

INSERT INTO ftth_kablovi_nadzemni (id, naziv, tip, podtip, broj_cevcica, broj_vlakana, tip_kabla, duzina_m, project_id, geom, _modified_by_sub) VALUES
(1, 'V-1', 'Optical', 'distributivni', 1, 12, '1x12', 33.3, 1, ST_GeomFromText('LINESTRING(21.03 44.03, 21.031 44.031)', 4326), 'filip'),
(3, 'V-3', 'Copper', NULL, NULL, NULL, NULL, 'Infinity', 1, NULL, 'filip');
SELECT setval('ftth_kablovi_nadzemni_id_seq', 3);

INSERT INTO ftth_trase (id, naziv, tip_trase, duzina_m, stanje, napomena, project_id, geom) VALUES
(1, 'T-1', 'podzemna', 280.55, 'Built', NULL, 1, ST_GeomFromText('LINESTRING(21.01 44.01, 21.02 44.02, 21.025 44.025)', 4326));
SELECT setval('ftth_trase_id_seq', 1);

INSERT INTO ftth_cevi (id, naziv, tip, materijal, fi, kapacitet, duzina_m, stanje, napomena, project_id, geom) VALUES
(1, 'C-1', NULL, 'PE', 40, '2x3', 120.25, 'Built', NULL, 1, ST_GeomFromText('LINESTRING(21.01 44.01, 21.02 44.02)', 4326)),
(2, 'C-2', 'Prelazna cev', 'PVC', 110, '1x1', 8.4, 'Built', 'испод пута', 1, ST_GeomFromText('LINESTRING(21.02 44.02, 21.0201 44.0201)', 4326)),
(3, 'C-3', 'Transition pipe', 'FeZn', 110, '1x2', 6, 'Planned', NULL, 2, ST_GeomFromText('LINESTRING(22 45, 22.0001 45.0001)', 4326)),
-- wide, but nobody says that it is a transition
(4, 'C-4', 'mikro', 'PE', 110, '1x1', 5, 'Planned', NULL, 1, ST_GeomFromText('LINESTRING(21.03 44.03, 21.0301 44.0301)', 4326));
SELECT setval('ftth_cevi_id_seq', 12);

INSERT INTO ftth_mufovi (id, naziv, tip, kapacitet, stanje, godina_ugradnje, project_id, geom, _modified_by_sub) VALUES
(1, 'N-1', 'FOSC 400', '96', 'Built', 2020, 1, ST_SetSRID(ST_MakePoint(21.02, 44.02), 4326), 'elena'),
(2, 'N-2', NULL, NULL, 'Planned', 2026, 1, ST_GeomFromText('POINT EMPTY', 4326), 'elena'),
(3, 'TN-1', NULL, NULL, 'Built', 2021, 2, ST_SetSRID(ST_MakePoint(22.01, 45.01), 4326), 'ana');
SELECT setval('ftth_mufovi_id_seq', 3);

INSERT INTO ftth_spojevi (id, naziv, tip, kabl_layer_id, kabl_fid, duzina_m, lokacija, strana, distance_m, segments_hit, vreme, napomena, project_id, geom) VALUES
(1, 'Fiber break', NULL, 'Underground_cables_f5205a25_f262_4502_a6f7_1f8d4646bcaa', 1, NULL, NULL, NULL, 101.417, 1,
 '2026-02-03 14:30:00+01', 'багер', 1, ST_SetSRID(ST_MakePoint(21.015, 44.013), 4326)),
(2, NULL, 'zavrsna', 'ftth_kablovi_podzemni', 2, 20, 'OKNO', 'do', NULL, NULL, NULL, 'у окну', 1, ST_SetSRID(ST_MakePoint(21.025, 44.025), 4326)),
(3, 'R-3', 'Mid span', 'Kablovi_vazdusni', 1, 15.5, 'Stub', 'sredina', NULL, NULL, NULL, NULL, 1, ST_SetSRID(ST_MakePoint(21.0305, 44.0305), 4326)),
-- a break that somebody measured a slack at, on a cable that is gone
(4, 'Prekid', NULL, 'Kablovi_podzemni', 99, 12, NULL, NULL, 55, 1, NULL, NULL, 1, ST_SetSRID(ST_MakePoint(21.016, 44.014), 4326)),
-- says nothing at all; the plugin's fid for "unknown"
(5, NULL, NULL, NULL, -1, NULL, '', NULL, NULL, NULL, NULL, NULL, 2, ST_SetSRID(ST_MakePoint(22.005, 45.005), 4326)),
-- of a break nothing but the time
(6, NULL, NULL, NULL, NULL, 3, NULL, NULL, NULL, NULL, '2026-01-05 07:00:00+01', NULL, 2, NULL);
SELECT setval('ftth_spojevi_id_seq', 30);

INSERT INTO ftth_elements (id, naziv, tip, proizvodjac, oznaka, kapacitet, ukupno_kj, zahtev_kapaciteta, zahtev_rezerve, oznaka_izvoda, numeracija, naziv_objekta, adresa_ulica, adresa_broj, address_id, stanje, godina_ugradnje, napomena, project_id, geom, _modified_by_sub) VALUES
(1, 'ODF-1', 'ODF', 'Huber', 'A1', 48, 48, 40, 8, 'P1', '1-48', 'Централа', 'Kralja Petra', '1', '7001', 'Built', 2019, '', 1, ST_SetSRID(ST_MakePoint(21.01, 44.01), 4326), 'elena'),
(2, 'TO-1', 'TO', NULL, NULL, 4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'Planned', 2026, NULL, 1, ST_SetSRID(ST_MakePoint(21.025, 44.025), 4326), 'filip'),
(3, 'TODF', 'ODF', NULL, NULL, 24, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'Built', 2021, NULL, 2, ST_SetSRID(ST_MakePoint(22, 45), 4326), 'ana');
SELECT setval('ftth_elements_id_seq', 3);

INSERT INTO fiber_splice_closures (id, muf_fid, closure_type, closure_model, tray_count, max_splices, project_id, geom, _modified_by_sub) VALUES
(1, 1, 'dome', 'FOSC', 4, 48, 1, ST_SetSRID(ST_MakePoint(21.02, 44.02), 4326), 'elena'),
(2, NULL, 'dome', '', 0, NULL, 1, NULL, 'filip'),
-- names a joint closure of the other project
(3, 3, 'inline', '', 2, NULL, 1, NULL, 'filip'),
(4, 2, 'wall-mount', NULL, 1, NULL, NULL, NULL, NULL);
SELECT setval('fiber_splice_closures_id_seq', 10);

INSERT INTO fiber_splice_trays (id, closure_id, tray_number, tray_type, capacity) VALUES
(1, 1, 1, '12F', 12), (2, 1, 2, '24F', 24), (3, 2, 1, NULL, 12), (4, 4, 1, '6F', 6), (5, NULL, 1, '12F', 12);
SELECT setval('fiber_splice_trays_id_seq', 5);

-- Somebody needed two splices in one place, and took the rule away.
ALTER TABLE fiber_splices DROP CONSTRAINT fiber_splices_tray_id_position_in_tray_key;

INSERT INTO fiber_splices (id, tray_id, position_in_tray, cable_a_layer_id, cable_a_fid, fiber_a_number, fiber_a_color, tube_a_number, tube_a_color, cable_b_layer_id, cable_b_fid, fiber_b_number, fiber_b_color, tube_b_number, tube_b_color, splice_type, loss_db, status, spliced_by_sub, spliced_at, notes, photo_path, _modified_by_sub) VALUES
(1, 1, 1, 'Underground_cables_f5205a25_f262_4502_a6f7_1f8d4646bcaa', 1, 1, 'Blue', 1, 'Blue', 'Underground_cables_f5205a25_f262_4502_a6f7_1f8d4646bcaa', 2, 1, 'Blue', 1, 'Blue', 'fusion', 0.05, 'spliced', 'filip', NULL, NULL, 'photos/splice1.jpg', 'filip'),
(2, 1, 2, 'Kablovi_podzemni', 1, 2, 'Orange', 1, 'Blue', 'Kablovi_podzemni', 2, 2, 'Orange', 1, 'Blue', 'fusion', 0.1, 'tested', 'filip', '2026-02-05 08:15:30.5+01', 'мерено', NULL, 'elena'),
(3, 1, 2, 'Kablovi_podzemni', 1, 3, 'Green', 1, 'Blue', 'Kablovi_podzemni', 2, 3, 'Green', 1, 'Blue', 'mechanical', 0.3, 'faulty', NULL, NULL, 'drugi na istom mestu', NULL, 'filip'),
(4, 1, 4, 'Kablovi_podzemni', 99, 4, '', NULL, '', 'some layer', 2, 4, '', NULL, '', 'Fusion', NULL, 'done', NULL, NULL, NULL, NULL, NULL),
(5, 4, 1, 'Kablovi_podzemni', 1, 5, '', NULL, '', NULL, NULL, NULL, '', NULL, '', 'fusion', NULL, 'planned', NULL, NULL, NULL, NULL, NULL),
(6, 5, 1, NULL, NULL, NULL, '', NULL, '', NULL, NULL, NULL, '', NULL, '', 'fusion', 0.2, 'planned', NULL, NULL, 'у касети без муфе', NULL, 'filip');
SELECT setval('fiber_splices_id_seq', 6);

INSERT INTO fiber_patch_connections (id, element_layer_id, element_fid, port_number, fiber_cable_layer_id, fiber_cable_fid, fiber_number, fiber_color, connector_type, status, connected_to_patch_id, _modified_by_sub) VALUES
(1, 'ODF_f5205a25_f262_4502_a6f7_1f8d4646bcab', 1, 1, 'Kablovi_podzemni', 1, 1, 'Blue', 'SC/APC', 'connected', NULL, 'elena'),
(2, 'Elements', 1, 2, 'Kablovi_podzemni', 1, 2, 'Orange', 'SC/APC', 'connected', 1, 'elena'),
(3, 'ftth_elements', 1, 2, NULL, NULL, NULL, '', 'LC/UPC', 'free', NULL, 'filip'),
(4, 'Elements', 77, 1, 'Kablovi_podzemni', 2, 7, '', 'SC/APC', 'free', 3, NULL),
(5, 'Elements', 3, 1, 'Kablovi_podzemni', 6, 1, 'Blue', 'SC/APC', 'connected', NULL, 'ana'),
(6, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
SELECT setval('fiber_patch_connections_id_seq', 6);

INSERT INTO fiber_paths (id, path_name, olt_element_fid, olt_port_number, path_segments, total_loss_db, project_id) VALUES
(1, 'ODF-1:1', 1, 1, '[{"type": "patch", "id": 1}]', 0.05, 1);

INSERT INTO work_orders (id, title, description, order_type, priority, status, project_id, assigned_to_sub, assigned_by_sub, area_geom, due_date, created_at, started_at, completed_at, verified_at, verified_by_sub, _modified_by_sub) VALUES
(1, 'Spajanje N-1', 'Касете 1 и 2', 'splice', 'high', 'in_progress', 1, 'filip', 'elena',
 ST_GeomFromText('POLYGON((21.019 44.019, 21.021 44.019, 21.021 44.021, 21.019 44.021, 21.019 44.019))', 4326),
 '2026-03-01', '2026-02-01 08:00:00.123456+01', '2026-02-02 07:30:00+01', NULL, NULL, NULL, 'filip'),
(2, 'Popis', NULL, 'survey', NULL, 'verified', 1, 'filip', 'elena', NULL, NULL, '2025-11-01 08:00:00+01',
 '2025-11-02 08:00:00+01', '2025-11-03 08:00:00+01', '2025-11-04 08:00:00+01', 'elena', 'elena'),
(3, 'Nešto', NULL, 'kopanje', 'normal', 'waiting', 2, NULL, NULL, NULL, NULL, '2026-01-01 08:00:00+01', NULL, NULL, NULL, NULL, 'ana'),
(4, 'Bez projekta', NULL, 'repair', 'low', 'created', NULL, NULL, 'elena', NULL, '20260-01-01', '2026-01-01 08:00:00+01', NULL, NULL, NULL, NULL, NULL);
SELECT setval('work_orders_id_seq', 4);

INSERT INTO work_order_items (id, work_order_id, item_type, description, target_layer, target_fid, quantity, unit, status, completed_at, completed_by_sub, notes) VALUES
(1, 1, 'splice', 'касета 1', 'fiber_splice_closures', 1, 12, 'pcs', 'done', '2026-02-05 09:00:00+01', 'filip', 'ок'),
(2, 1, 'cable_laying', NULL, 'Kablovi_podzemni', 2, 75.1, 'm', 'pending', NULL, NULL, NULL),
(3, 1, 'other', 'stub', 'Stubovi', 12345, 1, NULL, 'pending', NULL, NULL, NULL),
(4, NULL, 'other', 'ничије', NULL, NULL, NULL, NULL, 'pending', NULL, NULL, NULL);
SELECT setval('work_order_items_id_seq', 4);

INSERT INTO smr_reports (id, work_order_id, reported_by_sub, report_date, weather, crew_size, hours_worked, activities, materials_used, issues, geom, _modified_by_sub) VALUES
(1, 1, 'filip', '2026-02-05', 'Sunny', 2, 7.5, '["spojeno 12", {"name": "мерење", "quantity": 1.5, "unit": "h"}]', '[{"name": "спојнице", "quantity": 12}]', NULL,
 ST_SetSRID(ST_MakePoint(21.02, 44.02), 4326), 'filip'),
(2, NULL, 'filip', '2026-02-06', 'Rain', 2, 0.1, '[]', '[]', 'киша', NULL, 'filip');
SELECT setval('smr_reports_id_seq', 2);

INSERT INTO field_photos (id, related_type, related_id, photo_path, caption, taken_at, geom, taken_by_sub) VALUES
(1, 'splice', 1, 'photos/splice_1_a.jpg', 'пре', '2026-02-05 08:00:00+01', ST_SetSRID(ST_MakePoint(21.02, 44.02), 4326), 'filip'),
(2, 'work_order', 1, 'photos/wo.jpg', NULL, '2026-02-05 08:05:00+01', NULL, 'filip'),
(3, 'drvo', 5, 'photos/tree.jpg', 'не зна се шта', '2026-02-05 08:06:00+01', NULL, 'filip'),
(4, 'ftth_stubovi', 9, 'photos/t1.jpg', NULL, NULL, NULL, 'ana'),
(5, 'splice', 3, 'photos/second.jpg', 'od spoja koji čeka', '2026-02-05 08:07:00+01', NULL, 'filip'),
(6, 'ftth_spojevi', 2, 'photos/slack.jpg', 'rezerva', '2026-02-05 08:08:00+01', NULL, 'filip');
SELECT setval('field_photos_id_seq', 6);

INSERT INTO sync_log (user_sub, project_id, sync_type, completed_at, features_uploaded, status, details) VALUES
('filip', 1, 'upload', '2026-02-05 10:00:00+01', 12, 'completed', '{"conflicts": 0}'),
('filip', 1, 'download', NULL, 0, 'in_progress', NULL);

-- A column that the office added by itself, and a report that it made for itself.
ALTER TABLE ftth_stubovi ADD COLUMN inventarni_broj text, ADD COLUMN nosivost numeric(6, 2), ADD COLUMN pregledan date;
UPDATE ftth_stubovi SET inventarni_broj = 'INV-' || id, nosivost = 12.50, pregledan = '2026-01-31' WHERE id = 1;
CREATE TABLE kontakti (id serial PRIMARY KEY, ime text);
INSERT INTO kontakti (ime) VALUES ('Петар');
