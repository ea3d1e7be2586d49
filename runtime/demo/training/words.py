"""The word lists that the task and text generators draw from."""

FIRST_NAMES = """
Ada Adam Agnes Ahmed Aisha Alan Alice Amara Amir Ana Andrei Anna Anton Arjun Astrid Ben Bianca Boris Bruno Carla
Carlos Chen Chloe Clara Daniel Daria David Diego Dina Elena Elif Elsa Emil Emma Erik Esther Eva Fatima Felix Fiona
Frank Freya George Gina Grace Greta Hana Hannah Hans Helen Henry Hugo Ibrahim Ida Ines Ingrid Irene Isaac Ivan Jack
Jakob James Jana Jane Javier Joan John Jonas José Juan Julia Kai Karim Karl Kate Kenji Lara Laura Lea Leo Lily Lina
Louis Lucas Lucy Luis Łukasz Maja Marco Maria Marta Martin Mary Matteo Maya Mei Mia Milan Mina Mohamed Nadia Nina Nils
Noah Nora Olga Oliver Omar Oscar Otto Pablo Paula Peter Petra Priya Rafael Ravi Rosa Ruth Sam Samira Sara Simon Sofia
Stefan Sven Tara Thomas Tim Tom Uma Vera Victor Wanda Wei Yara Yuki Yusuf Zara Zoë
""".split()

LAST_NAMES = """
Adler Ahmad Allen Almeida Anders Baker Barros Bauer Becker Berg Bianchi Blake Bloom Borg Brandt Brown Burke Byrne
Campos Carter Castro Chang Clarke Cole Conti Costa Cruz Dahl Dias Dixon Duarte Dubois Duran Eklund Ellis Evans Farah
Ferrari Fischer Flores Ford Foster Fox Franco Garcia Gomez Grant Gray Green Haas Hahn Hall Hansen Hart Hassan Hayes
Hoffman Holm Horn Hughes Hunt Ito Ivanov Jansen Jensen Jones Kaplan Kaur Keller Kelly Khan Kim King Klein Koch Kowal
Kumar Lang Larsen Lee Lehmann Lim Lopez Lund Maier Marin Marsh Martin Mason Mendes Meyer Mills Mora Morgan Moss Müller
Nakamura Nash Nguyen Nielsen Novak Nowak Olsen Ortega Park Patel Pereira Perez Petrov Quinn Ramos Reed Reyes Ricci
Rivera Romano Rossi Roth Ruiz Russo Sato Schmidt Shah Silva Singh Smith Sousa Stein Stone Suzuki Tanaka Taylor Torres
Turner Vargas Vogel Wagner Walker Wang Weber Webb White Wolf Wood Wright Yamada Yilmaz Young Zhang Ziegler
""".split()

CITIES = """
Amsterdam|Ankara|Athens|Auckland|Baku|Bangkok|Barcelona|Basel|Beirut|Belgrade|Bergen|Berlin|Bogotá|Bologna|Bonn|
Boston|Bristol|Brussels|Budapest|Buenos Aires|Cairo|Cape Town|Chicago|Cologne|Copenhagen|Cork|Dakar|Delhi|Denver|
Dublin|Edinburgh|Florence|Geneva|Ghent|Glasgow|Graz|Hamburg|Hanoi|Havana|Helsinki|Istanbul|Jakarta|Kyoto|Lagos|Leeds|
Leipzig|Lima|Lisbon|London|Lyon|Madrid|Malmö|Manila|Marseille|Melbourne|Mexico City|Milan|Montreal|Moscow|Mumbai|
Munich|Nairobi|Naples|New York|Nice|Osaka|Oslo|Ottawa|Paris|Porto|Prague|Quito|Riga|Rome|Rotterdam|San Francisco|
Santiago|Seattle|Seoul|Seville|Singapore|Sofia|Stockholm|Sydney|Tallinn|Tokyo|Toronto|Trieste|Tunis|Turin|Utrecht|
Valencia|Vancouver|Venice|Vienna|Vilnius|Warsaw|Zagreb|Zurich
""".replace("\n", "").split("|")

JOBS = """
accountant|actor|architect|artist|baker|barber|biologist|bookseller|builder|bus driver|butcher|carpenter|chef|chemist|
dancer|data analyst|dentist|designer|doctor|editor|electrician|engineer|farmer|firefighter|fisherman|florist|gardener|
geologist|illustrator|interpreter|journalist|judge|lawyer|librarian|mechanic|midwife|musician|nurse|optician|painter|
pharmacist|photographer|pilot|plumber|poet|police officer|potter|programmer|sailor|scientist|singer|social worker|
software engineer|surgeon|tailor|taxi driver|teacher|tour guide|translator|vet|waiter|web designer|welder|writer
""".replace("\n", "").split("|")

DEPARTMENTS = [
    "sales", "marketing", "finance", "engineering", "design", "support", "research", "logistics", "legal", "security",
    "human resources", "quality control", "purchasing", "accounting", "production", "operations", "customer service",
]

CATEGORIES = """
toys books shoes tools games lamps chairs bags watches phones plants shirts cups pens hats desks rugs bikes clocks bottles
""".split()

JOB_LEVELS = ["junior", "senior", "retired", "assistant", "head", "trainee"]

MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
]

WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

ONES = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen
""".split()

TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]

ORDINALS = """
zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth
fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first twenty-second twenty-third twenty-fourth
twenty-fifth twenty-sixth twenty-seventh twenty-eighth twenty-ninth thirtieth thirty-first
""".split()

_ONSETS = "b br c ch d dr f fr g gr h j k kl l m n p pr r s sh st t tr v w z".split()
_VOWELS = "a a a e e e i i i o o o u u ai ea ou".split()
_CODAS = ["", "", "", "n", "r", "l", "s", "m", "t", "nd", "rk", "ck"]


def invented_name(rng):
    """A name nobody has, so that a model must copy names instead of knowing them."""
    syllables = (rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(rng.choice((1, 2, 2, 2, 3))))
    return "".join(syllables).capitalize()


def first_name(rng):
    return invented_name(rng) if rng.random() < 0.3 else rng.choice(FIRST_NAMES)


def last_name(rng):
    return invented_name(rng) if rng.random() < 0.3 else rng.choice(LAST_NAMES)


def city(rng):
    return invented_name(rng) if rng.random() < 0.15 else rng.choice(CITIES)


def job(rng):
    """A job, sometimes with a level, sometimes one that nobody has."""
    if rng.random() < 0.12:
        return invented_name(rng).lower()
    name = rng.choice(JOBS)
    return f"{rng.choice(JOB_LEVELS)} {name}" if rng.random() < 0.12 else name


def ordinal(n):
    """1 -> 1st, 22 -> 22nd."""
    suffix = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{suffix}"


def with_article(noun):
    return ("an " if noun[0] in "aeiou" else "a ") + noun
