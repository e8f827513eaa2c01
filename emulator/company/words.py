"""Vocabulary of the generated data: names of people and businesses, types of work, notes. Invented or common."""

from __future__ import annotations

FIRST_NAMES = (
    "Aaron", "Abigail", "Ahmed", "Aïsha", "Alejandro", "Amélie", "Andrea", "Anh", "Ben", "Bridget", "Camila",
    "Carlos", "Chloé", "Connor", "Dana", "Darnell", "Diego", "Dolores", "Eduardo", "Elena", "Emma", "Erik",
    "Fatima", "Felix", "Francesca", "Gabriel", "Grace", "Hannah", "Hiroshi", "Imani", "Ines", "Isaac", "Jamal",
    "Jana", "Jesús", "José", "Joyce", "Kaitlyn", "Kwame", "Lars", "Latoya", "Liam", "Lin", "Łukasz", "Malik",
    "María", "Mateo", "Mei", "Mohammed", "Nadia", "Nguyễn", "Niamh", "Noah", "Olga", "Omar", "Paolo", "Priya",
    "Quentin", "Rachel", "Raúl", "Renée", "Rosa", "Samir", "Sean", "Siobhán", "Sofia", "Søren", "Tamika", "Thomas",
    "Uma", "Valentina", "Victor", "Wei", "Xavier", "Yara", "Yusuf", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Abbott", "Álvarez", "Andersson", "Baker", "Barnes", "Begum", "Björk", "Brooks", "Carter", "Castillo", "Chen",
    "Coleman", "Cruz", "D'Angelo", "Davis", "Díaz", "Dubois", "Edwards", "Espinoza", "Ferreira", "Fischer",
    "Foster", "García", "Gonçalves", "Gray", "Hansen", "Harris", "Hernández", "Hughes", "Ibrahim", "Ito", "Jackson",
    "Jensen", "Johnson", "Kaur", "Kelly", "Kim", "Kowalski", "Lee", "López", "Martin", "Martínez", "McCarthy",
    "Meyer", "Moore", "Müller", "Nakamura", "Nelson", "Ng", "Núñez", "O'Brien", "Okafor", "Olsen", "Ortiz", "Owens",
    "Park", "Patel", "Pérez", "Peterson", "Quinn", "Ramírez", "Reed", "Rivera", "Robinson", "Rossi", "Ruiz",
    "Sánchez", "Schmidt", "Silva", "Singh", "Smith", "Suárez", "Taylor", "Thompson", "Torres", "Tran", "Vargas",
    "Vu", "Walker", "Weiß", "Williams", "Wójcik", "Young", "Zhang",
)  # fmt: skip
BUSINESSES = (
    "Acorn", "Ashford", "Beacon", "Birchwood", "Bluebird", "Brightwater", "Cascade", "Cedar", "Clearview",
    "Copperfield", "Crestline", "Delta", "Eastgate", "Elmhurst", "Fairway", "Fernhill", "Galleria", "Granite",
    "Harborside", "Hawthorn", "Highland", "Ironwood", "Juniper", "Keystone", "Lakeshore", "Lantern", "Linden",
    "Maplewood", "Meridian", "Millstone", "Northgate", "Oakridge", "Orchard", "Parkside", "Pinecrest", "Quarry",
    "Redwood", "Ridgeway", "Riverbend", "Rosewood", "Sandstone", "Silverton", "Stonebridge", "Summit", "Sunridge",
    "Thornton", "Timberline", "Union", "Valley", "Vista", "Westbrook", "Whitfield", "Willow", "Windsor", "Woodland",
    "Wrenfield", "Yarrow", "Yellowstone", "Zenith", "Zephyr",
)  # fmt: skip
STREETS = (
    "Main", "Oak", "Maple", "Washington", "Lake", "Hill", "Park", "Pine", "Elm", "Cedar", "Walnut", "Sunset",
    "Lincoln", "Jackson", "Church", "River", "Mill", "Center",
)  # fmt: skip
DEVICES = (
    "register", "switch", "access point", "router", "label printer", "self-checkout lane", "menu board", "camera",
    "server", "UPS", "handset", "kiosk", "charger", "card reader", "thin client", "cash recycler",
)  # fmt: skip
INDUSTRIES = (
    "Retail",
    "Pharmacy",
    "Bank & Trust",
    "Hospitality",
    "Grocers",
    "Logistics",
    "Health",
    "Café Group",
    "Fuel",
    "Cinemas",
)
STREET_KINDS = ("St", "Ave", "Blvd", "Rd", "Dr", "Ln", "Pkwy")
ACTIVITIES = (
    "Replace",
    "Install",
    "Troubleshoot",
    "Swap",
    "Upgrade",
    "Survey for",
    "Re-cable",
    "Decommission",
    "Inspect",
)
NOTES = (
    "Check in with the manager on duty.",
    "Ladder needed — 12 ft ceilings.",
    "Bring a console cable and a spare patch cord.",
    "Old unit goes back in the same box; keep the RMA label.",
    "Do not power down before 22:00 local time.",
    "Store opens at 9; sé puntual, por favor.",
    "Photos of the rack before and after.",
    "Call the help desk for remote hands: ask for “bridge 4”.",
    "Badge at the front desk, 2nd floor, Büro 214.",
    "Tech must wear long trousers & closed shoes.",
)

#: id, name, industry id, industry, service types
TYPES_OF_WORK: tuple[tuple[int, str, int, str, tuple[str, ...]], ...] = (
    (62, "Point of Sale", 3, "Retail Technology", ("Break/Fix", "Install", "Upgrade", "De-install")),
    (71, "Digital Signage", 4, "Audio / Visual", ("Install", "Content refresh", "Break/Fix")),
    (74, "General Cabling", 5, "Networking", ("Site survey", "Cable run", "Cut-over", "Certification")),
    (81, "Server", 6, "IT Hardware", ("Rack & stack", "Break/Fix", "Upgrade")),
    (85, "Desktop / Laptop", 6, "IT Hardware", ("Deployment", "Imaging", "Break/Fix", "Asset recovery")),
    (93, "Printer / Copier", 7, "Office Equipment", ("Install", "Preventive maintenance", "Break/Fix")),
    (104, "Wireless Networking", 5, "Networking", ("Heat map", "Access point install", "Troubleshooting")),
    (118, "Telecom / VoIP", 8, "Telecom", ("Phone swap", "Demarc extension", "PBX")),
    (126, "Security Camera", 9, "Security", ("Install", "Re-aim", "Storage upgrade")),
    (133, "ATM", 10, "Banking Equipment", ("First line", "Second line", "Relocation")),
    (147, "Kiosk", 3, "Retail Technology", ("Install", "Receipt printer swap", "Remote hands")),
    (159, "EV Charger", 11, "Énergie & Électricité", ("Commissioning", "Inspection", "Break/Fix")),
)
