"""What the old server's tables and the plugin's layers hold, written down by hand."""

_CABLE = """naziv tip podtip stanje godina_ugradnje napomena kapacitet broj_cevcica:integer broj_vlakana:integer tip_kabla
vrsta_vlakana color_code od do_ relacija duzina_m:real:m slack_m:real:m total_len_m:real:m"""

# what the old server's tables hold (kind text unless said), beside the system's own columns
SERVER = {
    "OKNA": "naziv tip broj_okna adresa_ulica adresa_broj stanje godina_ugradnje:integer napomena",
    "Stubovi": "naziv tip visina:real:m materijal stanje godina_ugradnje:integer napomena",
    "Kablovi_podzemni": _CABLE.replace("godina_ugradnje", "godina_ugradnje:integer"),
    "Kablovi_vazdusni": _CABLE.replace("godina_ugradnje", "godina_ugradnje:integer"),
    "Trasa": "naziv tip_trase duzina_m:real:m stanje napomena",
    "PE cevi": "naziv tip materijal fi:real:mm kapacitet duzina_m:real:m stanje napomena",
    "Prelazne_cevi": "naziv tip materijal fi:real:mm kapacitet duzina_m:real:m stanje napomena",
    "Nastavci": "naziv tip kapacitet stanje godina_ugradnje:integer napomena",
    "Prekid vlakna": """naziv kabl_layer_id kabl_fid:integer distance_m:real:m segments_hit:integer vreme napomena""",
    "Opticke_rezerve": "tip kabl_layer_id kabl_fid:integer duzina_m:real:m lokacija strana napomena",
    "Elements": """naziv tip proizvodjac oznaka kapacitet:integer ukupno_kj:integer zahtev_kapaciteta:integer
        zahtev_rezerve:integer oznaka_izvoda numeracija naziv_objekta adresa_ulica adresa_broj address_id stanje
        godina_ugradnje:integer napomena""",
    "Splice_closures": "muf_fid:integer closure_type closure_model tray_count:integer max_splices:integer",
    "fiber_splice_trays": "tray_number:integer tray_type capacity:integer",
    "fiber_splices": """position_in_tray:integer cable_a_layer_id cable_a_fid:integer fiber_a_number:integer fiber_a_color
        tube_a_number:integer tube_a_color cable_b_layer_id cable_b_fid:integer fiber_b_number:integer fiber_b_color
        tube_b_number:integer tube_b_color splice_type loss_db:real:dB status spliced_by_sub spliced_at:datetime notes
        photo_path""",
    "fiber_patch_connections": """element_layer_id element_fid:integer port_number:integer fiber_cable_layer_id
        fiber_cable_fid:integer fiber_number:integer fiber_color connector_type status""",
    "Work_orders": """title description order_type priority status assigned_to_sub assigned_by_sub due_date:date
        created_at:datetime started_at:datetime completed_at:datetime verified_at:datetime verified_by_sub""",
    "work_order_items": """item_type description target_layer target_fid:integer quantity:real unit status
        completed_at:datetime completed_by_sub notes""",
    "SMR_reports": """reported_by_sub report_date:date weather crew_size:integer hours_worked:real:h activities:json
        materials_used:json issues""",
    "field_photos": "related_type photo_path caption taken_at:datetime taken_by_sub",
    "_fiberq_metadata": "key value",
    "sync_issues": """kind layer uuid row_id:integer field base device current reason author created_at:datetime choices
        decision note""",
}

# the old server's foreign keys: read as references, not kept as columns
FOREIGN_KEYS = {
    "fiber_splice_trays": "closure_id",
    "fiber_splices": "tray_id",
    "fiber_patch_connections": "connected_to_patch_id",
    "work_order_items": "work_order_id",
    "SMR_reports": "work_order_id",
    "field_photos": "related_id",
}

_PLUGIN_CABLE = """tip podtip color_code broj_cevcica broj_vlakana tip_kabla vrsta_vlakana vrsta_omotaca vrsta_armature
talasno_podrucje naziv vrsta_mreze slabljenje_dbkm hrom_disp_ps_nmxkm stanje_kabla>stanje cable_laying
polaganje_kabla>cable_laying godina_ugradnje konstr_vlakna_u_cevcicama konstr_sa_uzlepljenim_elementom
konstr_punjeni_kabl konstr_sa_arm_vlaknima konstr_bez_metalnih od do>do_ duzina_m slack_m total_len_m fibers_per_tube
total_fibers color_standard branch_index"""
_ON_CABLE = "cable_layer_id>kabl_layer_id cable_fid>kabl_fid kabl_layer_id kabl_fid"
_PIPE = "materijal kapacitet fi od do>do_ duzina_m"

# what the plugin writes (field>column where the names differ)
PLUGIN = {
    "Joint_Closures": "naziv",
    "Poles": "tip podtip visina materijal",
    "Manholes": """broj_okna tip_okna>tip vrsta_okna polozaj_okna adresa opis stanje god_ugrad>godina_ugradnje dimenzije
        mat_zida mat_poklop odvodnj lestve poklop_tes poklop_lak br_nosaca debl_zida""",
    "Route": "naziv duzina>duzina_m duzina_km tip_trase",
    "Optical_slack": f"tip duzina_m lokacija {_ON_CABLE} strana napomena",
    "PE_pipes": _PIPE,
    "Transition_pipes": _PIPE,
    "Service_Area": "name created_at area_m2 perim_m count",
    "Objects": "tip ulica broj naziv napomena spratova podzemnih",
    "Fiber_break": f"naziv {_ON_CABLE} distance_m segments_hit vreme",
    "Aerial_cables": _PLUGIN_CABLE,
    "Underground_cables": _PLUGIN_CABLE,
    "Indoor_OTB": """naziv proizvodjac oznaka kapacitet ukupno_kj zahtev_kapaciteta zahtev_rezerve oznaka_izvoda
        numeracija naziv_objekta adresa_ulica adresa_broj address_id stanje godina_ugradnje""",
}
