"""Texts for the tokenizers, conversations for the chat templates."""

TEXTS = [
    "",
    " ",
    "   ",
    "\n",
    "\t",
    "\r\n",
    "a",
    " a",
    "a ",
    "Hello, world!",
    "Hello  again,   lorikeet    assistant",
    "  leading and trailing  ",
    "line one\nline two\r\nline three\n\n\nline six\n",
    " \n \n x \t y\u00a0z",
    "tabs\tand\t\ttabs",
    "x" * 70,
    " " * 33 + "end",
    "0123456789 12 1234567 3.14e-10, 1_000_000; $5.00",
    "abc123def 1a2b x2y",
    "don't we'll I'VE she'D it's THEY'RE 'tis 'S",
    "long s: it'\u017f and K'\u212a",
    "Übergröße naïve café — déjà vu",
    "decomposed: cafe\u0301 A\u030angstro\u0308m \u1112\u1161\u11ab o\u0323\u0302",
    "compatibility: \ufb01 \u2460 \u00bd \uff21\uff22\uff23 \u2126 \u212b",
    "日本語のテキスト、中文字符。한국어 문장",
    "Привет, мир! Ωμέγα İstanbul ıI ẞß ǅ",
    "مرحبا \u200f(بالعالم) שלום ١٢٣",
    "हिन्दी क्षत्रिय ภาษาไทย",
    "🦜🎉 👩\u200d👩\u200d👧 🇫🇷 ❤\ufe0f 👍🏽 1\ufe0f\u20e3",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚𝟛 𐍈 \U0010fffd",
    "controls: \u0000 \u0001 \u001b[0m \u007f \u0085 \ufffd",
    "\ufeffbom \u3000wide \u2003em \u2028line \u2029par \u200bzero",
    "def f(x):\n    return x ** 2  # square\n\n\nclass A:\n\tpass\n",
    '{"key": [1, 2.5, null], "path": "C:\\\\dir\\n"}',
    "https://example.org/a/b?c=d&e=%20#f",
    "...!!!???--- a.b.c /// \n// x",
    "▁underline ▁▁ <0x41> <unk> <s> </s>",
    "parrot parrots parrot, a-parrot_ PARROT",
    "CamelCaseWords and SCREAMING_SNAKE iPhone McDonald",
]

CONVERSATIONS = [
    [{"role": "user", "content": "Hi there"}],
    [
        {"role": "system", "content": " Be brief. "},
        {"role": "user", "content": "2+2?"},
        {"role": "assistant", "content": "4"},
        {"role": "user", "content": "And 3+3?\n"},
    ],
    [
        {"role": "user", "content": "  Sing, ‘lorikeet’ 🦜\n\n"},
        {"role": "assistant", "content": "\n<think>\nA song?\n</think>\n\nTra la la.  "},
        {"role": "user", "content": "<|im_end|> and {{ bos_token }} & <b>\"quotes\"</b> \\ {% if %}"},
    ],
]

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "find_birds",
            "description": "Finds birds near a place – naïve search.",
            "parameters": {
                "type": "object",
                "properties": {
                    "place": {"type": "string", "description": "A town"},
                    "radius": {"type": "number", "default": 2.5},
                    "limit": {"description": "How many <at most>"},
                },
                "required": ["place"],
            },
        },
    },
    {
        "type": "function",
        "function": {"name": "count", "description": "Counts.", "parameters": {"type": "object", "properties": {}}},
    },
]

CALLS = [
    {"role": "user", "content": "Which birds are near Ørsted?"},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {
                "id": "abcdefghi",
                "type": "function",
                "function": {"name": "find_birds", "arguments": {"place": "Ørsted", "radius": 1.0, "deep": None}},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "abcdefghi", "content": '["lorikeet", "gull"]'},
    {"role": "assistant", "content": "A lorikeet and a gull."},
    {"role": "user", "content": "Thanks! Count them."},
]

# Cases beyond messages and a generation prompt; each set names those that suit its template.
EXTRA_CHATS = {
    "no_prompt": {"messages": CONVERSATIONS[1], "add_generation_prompt": False},
    "tools": {"messages": CONVERSATIONS[0], "tools": TOOLS},
    "tools_system": {"messages": CONVERSATIONS[1], "tools": TOOLS},
    "calls": {"messages": CALLS, "tools": TOOLS},
    "calls_open": {"messages": CALLS[:3], "tools": TOOLS},
    "calls_no_tools": {"messages": CALLS},
    "thinking_off": {"messages": CONVERSATIONS[0], "variables": {"enable_thinking": False}},
    "thinking_kept": {
        "messages": CALLS[:1]
        + [{**CALLS[1], "reasoning_content": "\nI should look.\n"}]
        + CALLS[2:3]
        + [{"role": "assistant", "content": "<think>\nNow I know.\n</think>\n\nTwo birds."}],
        "tools": TOOLS[:1],
        "add_generation_prompt": False,
    },
    "date": {"messages": CONVERSATIONS[0], "variables": {"date_string": "26 Jul 2024"}},
    "functions": {"messages": CONVERSATIONS[0], "variables": {"functions": TOOLS[1:]}},
    "system_only": {"messages": CONVERSATIONS[1][:1], "tools": TOOLS},
    "assistant_first": {"messages": CONVERSATIONS[1][2:]},
    "two_users": {"messages": CONVERSATIONS[0] * 2},
    "unknown_role": {"messages": CONVERSATIONS[0] + [{"role": "narrator", "content": "Then…"}]},
    "content_parts": {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "One "}, {"type": "text", "text": "two"}]},
            {"role": "assistant", "content": "three"},
        ]
    },
    "two_calls": {
        "messages": CALLS[:1] + [{**CALLS[1], "tool_calls": CALLS[1]["tool_calls"] * 2}] + CALLS[2:3] * 2,
        "tools": TOOLS,
    },
}
