"""Templates of our own with the constructs that chat templates use, and what they are rendered with.

FAMILIES imitate how the models' templates are built: (name, template, [variables, ...]).
SNIPPETS are one construct each: (template, variables).
"""

USER = [{"role": "user", "content": "Hi there"}]
CHAT = [
    {"role": "system", "content": " Be brief. "},
    {"role": "user", "content": "2+2?"},
    {"role": "assistant", "content": "4"},
    {"role": "user", "content": "And 3+3?\n"},
]
NO_SYSTEM = CHAT[1:]
WRONG_ORDER = [CHAT[1], CHAT[3]]
PARTS = [
    {"role": "user", "content": [{"type": "text", "text": "What is "}, {"type": "text", "text": "this?"}]},
    {"role": "assistant", "content": [{"type": "text", "text": "A \"test\" with <tags> & Ümläuts 🦜"}]},
]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "The weather at a place.\nNow.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Where"},
                    "unit": {"type": "string", "enum": ["C", "F"]},
                    "days": {"type": "array", "items": {"type": "integer"}},
                    "when": {"type": ["string", "null"]},
                },
                "required": ["city"],
            },
            "return": {"type": "number", "description": "Degrees"},
        },
    },
    {"type": "function", "function": {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}}},
]
CALLS = [
    {"role": "user", "content": "How warm is it in Köln?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "call_0001", "type": "function", "function": {"name": "weather", "arguments": {"city": "Köln", "n": 1.0}}}
        ],
    },
    {"role": "tool", "name": "weather", "tool_call_id": "call_0001", "content": "{\"t\": 21.5}"},
    {"role": "assistant", "content": "21.5 °C."},
    {"role": "user", "content": "Thanks"},
]
TEXT_CALLS = [
    CALLS[0],
    {
        "role": "assistant",
        "content": "<think>\nI should look.\n</think>\n\nLet me see.",
        "tool_calls": [
            {"type": "function", "function": {"name": "weather", "arguments": "{\"city\": \"Köln\"}"}},
            {"type": "function", "function": {"name": "now", "arguments": {}}},
        ],
    },
    {"role": "tool", "content": "21.5"},
    {"role": "tool", "content": {"time": [12, 30], "ok": True, "zone": None}},
    {"role": "assistant", "content": "<think>\nDone.\n</think>\n\nWarm."},
    {"role": "user", "content": "Why?"},
]
DOCUMENTS = [{"title": "Birds", "text": "Lorikeets are parrots.", "year": 2020}, {"title": "Trees", "text": "Tall."}]


def chat(messages, **more):
    return {"messages": messages, "tools": None, "documents": None, "add_generation_prompt": True, **more}


ALTERNATING = """\
{{ bos_token }}
{%- if messages[0]['role'] == 'system' %}
    {%- set system = messages[0]['content'] | trim %}
    {%- set rest = messages[1:] %}
{%- else %}
    {%- set system = '' %}
    {%- set rest = messages %}
{%- endif %}
{%- for message in rest %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('Roles must go ' ~ 'user, assistant, user; message ' ~ loop.index ~ ' is ' ~ message.role) }}
    {%- endif %}
    {%- if loop.first and system %}
        {%- set content = '<<' + system + '>>\\n\\n' + message['content'] %}
    {%- else %}
        {%- set content = message['content'] %}
    {%- endif %}
    {%- if message['role'] == 'user' %}
        {{- '[ASK] ' + content.strip() + ' [/ASK]' }}
    {%- elif message['role'] == 'assistant' %}
        {{- ' ' ~ content.strip() ~ ' ' ~ eos_token }}
    {%- else %}
        {{- raise_exception('Only user and assistant roles are supported!') }}
    {%- endif %}
{%- endfor %}
"""

HEADERS = """\
{%- set loop_messages = messages %}
{%- for message in loop_messages %}
{%- set content = '<|head|>' + message['role'] + '<|/head|>\\n\\n' + message['content'] | trim + '<|turn|>' %}
{%- if loop.index0 == 0 %}{%- set content = bos_token + content %}{%- endif %}
{{- content }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|head|>assistant<|/head|>\\n\\n' }}
{%- endif %}
"""

HEADERS_WITH_TOOLS = """\
{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not tools_first is defined %}
    {%- set tools_first = true %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "1 Jan 2024" %}
    {%- endif %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}

{#- The system message goes into its own slot. -#}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|head|>system<|/head|>\\n\\n" }}
{%- if builtin_tools is defined or tools is not none %}
    {{- "Mode: tools\\n" }}
{%- endif %}
{%- if builtin_tools is defined %}
    {{- "Built in: " + builtin_tools | reject('equalto', 'code_interpreter') | join(", ") + "\\n\\n"}}
{%- endif %}
{{- "Knows until: May 2023\\nToday: " + date_string + "\\n\\n" }}
{%- if tools is not none and not tools_first %}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- system_message }}
{{- "<|turn|>" }}
{%- if tools_first and not tools is none %}
    {%- if messages | length != 0 %}
        {%- set first_user = messages[0]['content']|trim %}
        {%- set messages = messages[1:] %}
    {%- else %}
        {{- raise_exception("There is no first user message to put the tools into!") }}
{%- endif %}
    {{- '<|head|>user<|/head|>\\n\\n' -}}
    {{- "Answer with a call of one of these.\\n" }}
    {{- 'As {"name": function name, "parameters": dictionary}.' }}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
    {{- first_user + "<|turn|>"}}
{%- endif %}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|head|>' + message['role'] + '<|/head|>\\n\\n'+ message['content'] | trim + '<|turn|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("Only single calls are supported!") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {%- if builtin_tools is defined and tool_call.name in builtin_tools %}
            {{- '<|head|>assistant<|/head|>\\n\\n' -}}
            {{- "<|run|>" + tool_call.name + ".call(" }}
            {%- for arg_name, arg_val in tool_call.arguments | items %}
                {{- arg_name + '="' + arg_val|string + '"' }}
                {%- if not loop.last %}
                    {{- ", " }}
                {%- endif %}
                {%- endfor %}
            {{- ")" }}
        {%- else  %}
            {{- '<|head|>assistant<|/head|>\\n\\n' -}}
            {{- '{"name": "' + tool_call.name + '", ' }}
            {{- '"parameters": ' }}
            {{- tool_call.arguments | tojson }}
            {{- "}" }}
        {%- endif %}
        {%- if builtin_tools is defined %}
            {{- "<|more|>" }}
        {%- else %}
            {{- "<|turn|>" }}
        {%- endif %}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {{- "<|head|>ipython<|/head|>\\n\\n" }}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|turn|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|head|>assistant<|/head|>\\n\\n' }}
{%- endif %}
"""

INSTRUCT_TOOLS = """\
{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}

{#- Users and assistants must take turns; calls and their results don't count. #}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or message.role == "tool_results" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("After the optional system message, roles must alternate") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}

{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {{- "[TOOLS] [" }}
            {%- for tool in tools %}
                {%- set tool = tool.function %}
                {{- '{"type": "function", "function": {' }}
                {%- for key, val in tool.items() if key != "return" %}
                    {%- if val is string %}
                        {{- '"' + key + '": "' + val + '"' }}
                    {%- else %}
                        {{- '"' + key + '": ' + val|tojson }}
                    {%- endif %}
                    {%- if not loop.last %}
                        {{- ", " }}
                    {%- endif %}
                {%- endfor %}
                {{- "}}" }}
                {%- if not loop.last %}
                    {{- ", " }}
                {%- else %}
                    {{- "]" }}
                {%- endif %}
            {%- endfor %}
            {{- "[/TOOLS]" }}
        {%- endif %}
        {%- if loop.last and system_message is defined %}
            {{- "[ASK] " + system_message + "\\n\\n" + message["content"] + "[/ASK]" }}
        {%- else %}
            {{- "[ASK] " + message["content"] + "[/ASK]" }}
        {%- endif %}
    {%- elif message.tool_calls is defined and message.tool_calls is not none %}
        {{- "[CALLS] [" }}
        {%- for tool_call in message.tool_calls %}
            {%- set out = tool_call.function|tojson %}
            {{- out[:-1] }}
            {%- if not tool_call.id is defined or tool_call.id|length != 9 %}
                {{- raise_exception("Tool call IDs should be 9 characters long!") }}
            {%- endif %}
            {{- ', "id": "' + tool_call.id + '"}' }}
            {%- if not loop.last %}
                {{- ", " }}
            {%- else %}
                {{- "]" + eos_token }}
            {%- endif %}
        {%- endfor %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token}}
    {%- elif message["role"] == "tool_results" or message["role"] == "tool" %}
        {%- if message.content is defined and message.content.content is defined %}
            {%- set content = message.content.content %}
        {%- else %}
            {%- set content = message.content %}
        {%- endif %}
        {{- '[RESULTS] {"content": ' + content|string + ", " }}
        {{- '"id": "' + message.tool_call_id + '"}[/RESULTS]' }}
    {%- else %}
        {{- raise_exception("Unknown role " ~ message["role"]) }}
    {%- endif %}
{%- endfor %}
"""

CHATML_TOOLS = """\
{%- if tools %}
    {{- '<|start|>system\\n' }}
    {%- if messages[0]['role'] == 'system' %}
        {{- messages[0]['content'] }}
    {%- else %}
        {{- 'You are Parrot.' }}
    {%- endif %}
    {{- "\\n\\n# Tools\\n\\nWithin <tools></tools>:\\n<tools>" }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "\\n</tools>\\n\\nCall with <call></call>:\\n<call>\\n{\\"name\\": <name>, \\"arguments\\": <json>}\\n</call><|stop|>\\n" }}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|start|>system\\n' + messages[0]['content'] + '<|stop|>\\n' }}
    {%- else %}
        {{- '<|start|>system\\nYou are Parrot.<|stop|>\\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|start|>' + message.role + '\\n' + message.content + '<|stop|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {{- '<|start|>' + message.role }}
        {%- if message.content %}
            {{- '\\n' + message.content }}
        {%- endif %}
        {%- for tool_call in message.tool_calls %}
            {%- if tool_call.function is defined %}
                {%- set tool_call = tool_call.function %}
            {%- endif %}
            {{- '\\n<call>\\n{"name": "' }}
            {{- tool_call.name }}
            {{- '", "arguments": ' }}
            {{- tool_call.arguments | tojson }}
            {{- '}\\n</call>' }}
        {%- endfor %}
        {{- '<|stop|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|start|>user' }}
        {%- endif %}
        {{- '\\n<result>\\n' }}
        {{- message.content }}
        {{- '\\n</result>' }}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|stop|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start|>assistant\\n' }}
{%- endif %}
"""

THINKING = """\
{%- set ns = namespace(multi_step=true, last_query=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step and message.role == "user" and message.content is string and not(message.content.startswith('<result>') and message.content.endswith('</result>')) %}
        {%- set ns.multi_step = false %}
        {%- set ns.last_query = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- elif message.content is mapping %}
        {%- set content = message.content | tojson %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if (message.role == "user") or (message.role == "system") %}
        {{- '<|start|>' + message.role + '\\n' + content + '<|stop|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning = message.reasoning_content %}
        {%- else %}
            {%- if '</think>' in content %}
                {%- set reasoning = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
                {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
            {%- endif %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query %}
            {%- if loop.last or (not loop.last and reasoning) %}
                {{- '<|start|>' + message.role + '\\n<think>\\n' + reasoning.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
            {%- else %}
                {{- '<|start|>' + message.role + '\\n' + content }}
            {%- endif %}
        {%- else %}
            {{- '<|start|>' + message.role + '\\n' + content }}
        {%- endif %}
        {%- if message.tool_calls %}
            {%- for tool_call in message.tool_calls %}
                {%- if (loop.first and content) or (not loop.first) %}
                    {{- '\\n' }}
                {%- endif %}
                {%- if tool_call.function %}
                    {%- set tool_call = tool_call.function %}
                {%- endif %}
                {{- '<call>\\n{"name": "' }}
                {{- tool_call.name }}
                {{- '", "arguments": ' }}
                {%- if tool_call.arguments is string %}
                    {{- tool_call.arguments }}
                {%- else %}
                    {{- tool_call.arguments | tojson }}
                {%- endif %}
                {{- '}\\n</call>' }}
            {%- endfor %}
        {%- endif %}
        {{- '<|stop|>\\n' }}
    {%- elif message.role == "tool" %}
        {%- if loop.first or (loop.previtem.role != "tool") %}
            {{- '<|start|>user' }}
        {%- endif %}
        {{- '\\n<result>\\n' }}
        {{- content }}
        {{- '\\n</result>' }}
        {%- if loop.last or (loop.nextitem.role != "tool") %}
            {{- '<|stop|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}
"""

MACROS = """\
{%- macro type_of(spec) -%}
    {%- set simple = {
        "string": "str",
        "number": "float",
        "integer": "int",
        "boolean": "bool"
    } -%}
    {%- if simple[spec.type] is defined -%}
        {{- simple[spec.type] -}}
    {%- elif spec.type == "array" -%}
        {%- if spec.items is defined and spec['items'] is mapping -%}
            {{- "list[" + type_of(spec['items']) + "]" -}}
        {%- else -%}
            {{- "list" -}}
        {%- endif -%}
    {%- elif spec.type is iterable and spec.type is not string -%}
        {{- "Union[" -}}
        {%- for t in spec.type -%}
            {{- type_of({"type": t}) -}}
            {{- "," if not loop.last -}}
        {%- endfor -%}
        {{- "]" -}}
    {%- else -%}
        {{- "Any" -}}
    {%- endif -%}
{%- endmacro -%}
{%- macro section(title, level=2) -%}
{{ '#' * level }} {{ title | title }}
{{ caller() | indent(2) }}
{% endmacro -%}
{{- bos_token }}
{%- for tool in tools or [] %}
    {%- set tool = tool.function if tool.function is defined else tool %}
    {%- call section(tool.name, level=3) -%}
def {{ tool.name }}(
    {%- for name, spec in tool.parameters.properties.items() -%}
        {{ name }}: {{ type_of(spec) }}{{ " = None" if name not in tool.parameters.required | default([]) }}
        {{- ", " if not loop.last }}
    {%- endfor -%}
){{ " -> " + type_of(tool.return) if tool.return is defined }}
{{ tool.description | replace("\\n", " ") or "(none)" }}
    {%- endcall %}
{%- endfor %}
{%- for message in messages %}
{{ message.role }}: {% generation %}{{ message.content if message.content is string else message.content | tojson }}{% endgeneration %}

{%- endfor %}
"""

PARTS_TEMPLATE = """\
{%- set image_count = namespace(value=0) %}
{%- for message in messages -%}
<turn>{{ 'model' if message['role'] == 'assistant' else message['role'] }}
{% if message['content'] is string -%}
{{ message['content'] | trim }}
{%- else -%}
{%- for content in message['content'] -%}
{%- if content['type'] == 'image' or 'image' in content -%}
{%- set image_count.value = image_count.value + 1 -%}
<image {{ image_count.value }}>
{%- elif 'text' in content -%}
{{ content['text'] | trim }}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
</turn>
{% endfor -%}
{% if add_generation_prompt %}<turn>model
{% endif %}
"""

DOCUMENTS_TEMPLATE = """\
{{ bos_token }}{% if documents %}
{% for document in documents %}
Document {{ loop.index0 }} of {{ loop.length }}:
{% for key, value in document.items() | sort %}
{{ key | capitalize }}: {{ value }}
{% endfor %}

{% endfor %}
{% endif %}
{%- for m in messages if m.role in ('user', 'assistant') %}
{{ loop.cycle('A', 'B') }}{{ loop.revindex }} {{ m.content }}
{% else %}
nothing said
{% endfor %}
{% set years = documents | default([], true) | selectattr('year', 'defined') | map(attribute='year') | list %}
Years: {{ years | join(', ') or 'unknown' }}
"""

TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}

FAMILIES = [
    (
        "alternating",
        ALTERNATING,
        [chat(m, **TOKENS) for m in (USER, CHAT, NO_SYSTEM, WRONG_ORDER, CALLS, PARTS, [])],
    ),
    ("headers", HEADERS, [chat(m, **TOKENS) for m in (USER, CHAT, PARTS)] + [chat(CHAT, add_generation_prompt=False)]),
    (
        "headers with tools",
        HEADERS_WITH_TOOLS,
        [
            chat(USER, **TOKENS),
            chat(CHAT, **TOKENS),
            chat(CHAT, tools=TOOLS, **TOKENS),
            chat(CALLS, tools=TOOLS, **TOKENS),
            chat(CALLS, tools=TOOLS, tools_first=False, **TOKENS),
            chat(CALLS, custom_tools=TOOLS[1:], builtin_tools=["weather", "code_interpreter"], **TOKENS),
            chat(CHAT, date_string="26 Jul 2024", **TOKENS),
            chat([CHAT[0]], tools=TOOLS, **TOKENS),
            chat(TEXT_CALLS, tools=TOOLS, **TOKENS),
        ],
    ),
    (
        "instruct with tools",
        INSTRUCT_TOOLS,
        [
            chat(USER, **TOKENS),
            chat(CHAT, tools=TOOLS, **TOKENS),
            chat(CALLS, tools=TOOLS, **TOKENS),
            chat(TEXT_CALLS, tools=TOOLS, **TOKENS),
            chat(WRONG_ORDER, **TOKENS),
            chat([{"role": "robot", "content": "x"}], **TOKENS),
        ],
    ),
    (
        "chatml with tools",
        CHATML_TOOLS,
        [
            chat(USER),
            chat(CHAT),
            chat(CHAT, tools=[]),
            chat(CHAT, tools=TOOLS),
            chat(CALLS, tools=TOOLS),
            chat(TEXT_CALLS, tools=TOOLS),
            chat(CALLS, add_generation_prompt=False),
        ],
    ),
    (
        "thinking",
        THINKING,
        [
            chat(USER),
            chat(USER, enable_thinking=False),
            chat(USER, enable_thinking=True),
            chat(CHAT),
            chat(CALLS),
            chat(TEXT_CALLS),
            chat(TEXT_CALLS[:-1], add_generation_prompt=False),
            chat([*USER, {"role": "assistant", "content": "Yes.", "reasoning_content": "Easy."}]),
        ],
    ),
    ("macros", MACROS, [chat(USER, **TOKENS), chat(CHAT, tools=TOOLS, **TOKENS), chat(CALLS, tools=TOOLS), chat(PARTS)]),
    (
        "parts",
        PARTS_TEMPLATE,
        [
            chat(USER),
            chat(PARTS),
            chat([{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": " Look "}, {"image": "x"}]}]),
        ],
    ),
    ("documents", DOCUMENTS_TEMPLATE, [chat(CHAT, documents=DOCUMENTS, **TOKENS), chat([]), chat(USER, documents=[])]),
]

D = {"a": 1, "b": {"c": [1, 2, {"d": "e"}]}, "items": "own", "true": False}
X = {"x": "outer", "l": [1, 2, 3], "d": D, "s": "Ab c", "n": None, "m": CHAT}

SNIPPETS = [
    (t, X)
    for t in [
        # white space
        "a\n  {% if true %}\n  b\n  {% endif %}\nc",
        "a\n  {%- if true %}\n  b\n  {%- endif %}\nc",
        "a\n  {%+ if true %}\n  b\n  {%+ endif %}\nc",
        "a\n  {% if true +%}\n  b\n  {% endif +%}\nc",
        "a\n  {% if true -%}\n\n  b\n  {% endif -%}\n\n c",
        "a {{- x -}} b",
        "a\n\n{{- x -}}\n\nb",
        "  {{ x }}\n{{ x }}  \n",
        "{{ x }}\n\n",
        "{{ x }}\n\n\n",
        "{# c #}\na{# c -#}\n b {#- c #} c",
        "  {# c #}\nx",
        "a\r\nb\rc{{ '\r\n' }}d\r\n",
        "  {% set y = 1 %}  \n  {% set z = 2 %}\n{{ y }}{{ z }}",
        "a {% set y = 1 %} b",
        "{% raw %}{{ x }}{% if %}{% endraw %}",
        "a\n  {% raw %}\n  {{ x }}\n  {% endraw %}\nb",
        "a {%- raw -%} {{ x }} {%- endraw -%} b",
        "{{ x }}{# not closed",
        "{% raw %} never ended",
        "\u2028 {%- if 1 %} a{% endif %}\u00a0{{- x }}",
        "a\n\t {%if 1%}b{%endif%}",
        "line {{ x }}\n   \n   {% if 1 %}y{% endif %}",
        "{% if 1 %}\n{% if 1 %}\n  a\n{% endif %}\n{% endif %}\nb",
        # literals
        "{{ 'a\\'b' }}{{ \"a\\\"b\" }}{{ 'a\\nb\\tc\\\\d' }}{{ '\\x41\\u00e9\\U0001F99C\\101' }}{{ '\\q' }}",
        "{{ 'a' 'b' \"c\" }}",
        "{{ 1_000 }} {{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 1.5e3 }} {{ 2e-7 }} {{ 1e22 }} {{ 123456789012345678901234567890 }}",
        "{{ [1, 'a', none, true, 1.0, [], {}, ()] }}",
        "{{ {'a': 1, \"b\": [2], 3: none, 'it\\'s': 'q\"q'} }}",
        "{{ (1,) }}{{ (1, 2) }}{{ () }}{{ 1, 2 }}",
        "{{ [1, 2,] }}{{ {'a': 1,} }}{{ (1, 2,) }}",
        "{{ true }}{{ True }}{{ false }}{{ none }}{{ None }}",
        "{{ 'é🦜'|length }}{{ 'é🦜'[1] }}{{ 'é🦜'[::-1] }}{{ '🦜x'.find('x') }}{{ '🦜x'.center(6, '-') }}",
        # numbers
        "{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % -3 }} {{ -7 % 3 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 1 / 3 }} {{ 6 / 2 }}",
        "{{ 2 ** 10 }} {{ 2 ** -1 }} {{ -2 ** 2 }} {{ 2 ** 3 ** 2 }} {{ 2 ** 0.5 }} {{ 2 ** 100 }} {{ 10 ** 20 // 3 }}",
        "{{ 1 + 2 * 3 - 4 / 2 }} {{ (1 + 2) * 3 }} {{ 1 + true }} {{ 'a' * 3 }} {{ 2 * [1] }} {{ 1 - -1 }}",
        "{{ 1 / 0 }}", "{{ 1 // 0 }}", "{{ 1 % 0 }}", "{{ 1.0 / 0 }}",
        "{{ 0.1 + 0.2 }} {{ 1e16 }} {{ 1e15 }} {{ 123456.789 }} {{ 0.0001 }} {{ 0.00001 }} {{ -0.0 }} {{ 1e300 * 1e10 }}",
        "{{ 'a' + 1 }}", "{{ [1] + (2,) }}", "{{ none + 1 }}", "{{ {} + {} }}", "{{ -'a' }}", "{{ 'a' - 'b' }}",
        "{{ 3|string + 'x' }}{{ '3'|int + 1 }}{{ 'x'|int }}{{ 'x'|int(7) }}{{ '0x1f'|int(0, 16) }}{{ '3.9'|int }}{{ ' 4 '|int }}",
        "{{ '1_0'|int }} {{ 3.99|int }} {{ -3.99|int }} {{ true|int }} {{ none|int }} {{ [1]|int(5) }} {{ '1e3'|int }}",
        "{{ '1.5'|float }} {{ 'x'|float }} {{ 'x'|float(2) }} {{ 3|float }} {{ 'inf'|float }} {{ 'nan'|float }} {{ none|float }}",
        "{{ 2.5|round }} {{ 3.5|round }} {{ 2.675|round(2) }} {{ 1234.5678|round(-2) }} {{ 7|round }} {{ 2.1|round(0, 'ceil') }} {{ 2.19|round(1, 'floor') }}",
        "{{ -5|abs }} {{ -5.5|abs }} {{ true|abs }}", "{{ 'a'|abs }}",
        # logic and comparison
        "{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1.0 == true }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ (1,) == [1] }}",
        "{{ 1 < 'a' }}", "{{ none < 1 }}", "{{ {} < {} }}", "{{ 'A' in 'CAB' }}{{ 1 in l }}{{ 'a' in d }}{{ 'zz' not in s }}",
        "{{ 1 in 5 }}", "{{ 1 in 'a' }}", "{{ none in none }}", "{{ 'a' in nothing }}", "{{ nothing in [nothing] }}",
        "{{ not 1 == 2 and not false or 1 }} {{ 0 or '' }} {{ 1 and 'x' }} {{ not none }} {{ not l }}",
        "{{ 1 if true }}{{ 1 if false }}|{{ 1 if false else 2 }}{{ 1 if 0 else 2 if 0 else 3 }}",
        "{{ nothing == missing }} {{ nothing == none }} {{ nothing != 1 }} {{ d == {'a': 1} }} {{ {'a': 1} == {'a': 1.0} }}",
        "{{ 1 ~ none ~ 1.0 ~ 'x' ~ [1] ~ nothing ~ true }}",
        # undefined
        "{{ nothing }}|{{ d.nothing }}|{{ nothing | default('x') }}|{{ n | default('x') }}|{{ n | default('x', true) }}",
        "{{ nothing.a }}", "{{ d.nothing.a }}", "{{ nothing[0] }}", "{{ nothing() }}", "{{ nothing + 1 }}", "{{ -nothing }}",
        "{{ nothing < 1 }}", "{{ nothing|length }}{{ nothing|list }}{{ nothing|upper }}|{{ nothing|join(',') }}|{{ nothing|first }}",
        "{% for x in nothing %}{{ x }}{% else %}none{% endfor %}", "{{ nothing is defined }}{{ d.a is defined }}{{ d['x'] is defined }}",
        "{{ nothing.a is defined }}", "{{ nothing|tojson }}", "{{ nothing|int }}", "{{ n.a }}|{{ n.a is defined }}|{{ l.a }}|{{ 3 .real2 }}",
        "{{ n() }}", "{{ 'a'() }}", "{{ l[7] is defined }}{{ l['a'] is defined }}{{ n['a'] is defined }}{{ l[1.0] is defined }}",
        "{{ nothing ~ 'a' }}{{ 'a' if nothing else 'b' }}{{ nothing is none }}{{ nothing is iterable }}{{ nothing is string }}",
        "{{ l[nothing] }}|{{ d[nothing] }}|{{ d[[1]] }}",
        # attributes, subscripts, slices
        "{{ d.b.c[2].d }} {{ d['b']['c'][-1]['d'] }} {{ d['items'] }} {{ d.get('a') }} {{ d.get('zz') }} {{ d.get('zz', 5) }}",
        "{{ d.items() | list }} {{ d.keys() | list }} {{ d.values() | list }} {{ d.keys() }} {{ d.items() | length }}",
        "{{ l.0 }}{{ l[0] }}{{ l[-1] }}{{ l[1:] }}{{ l[:-1] }}{{ l[::-1] }}{{ l[::2] }}{{ l[5:] }}{{ l[-2:] }}{{ l[2:0:-1] }}",
        "{{ s[0] }}{{ s[-1] }}{{ s[1:3] }}{{ s[::-1] }}{{ s[10] }}|{{ s[::0] }}", "{{ (1, 2, 3)[1:] }}{{ (1, 2, 3)[0] }}{{ d[1:2] }}|",
        "{{ l[true] }}{{ l[none] }}|{{ {1: 'a'}[1.0] }}{{ {1: 'a'}[1] }}", "{{ l[:nothing] }}", "{{ l['x':] }}",
        "{{ l.append(4) }}", "{{ d.update({'a': 2}) }}", "{{ d.pop('a') }}", "{{ l.sort() }}{{ l }}", "{{ l.clear() }}", "{{ d.setdefault('q', 1) }}",
        "{{ ''.__class__ }}|{{ l.__class__ }}|{{ d.__init__ }}", "{{ ''.__class__.__mro__ }}", "{{ l.index(2) }}{{ l.count(2) }}{{ (1, 1).count(1) }}{{ l.copy() }}",
        "{{ l.index(9) }}", "{{ d.true }}{{ d['true'] }}",
        # text methods
        "{{ ' a b '.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'abc'.lstrip('ab') }}|{{ 'abc'.rstrip('c') }}|{{ '\\n a\\t'.rstrip() }}|",
        "{{ 'a,b,c'.split(',') }}{{ ' a  b '.split() }}{{ 'a,b,c'.split(',', 1) }}{{ 'a,b,c'.rsplit(',', 1) }}{{ ''.split() }}{{ ''.split(',') }}{{ 'a b c'.split(none, 1) }}{{ 'a b c'.split(maxsplit=1) }}",
        "{{ 'ab'.startswith('a') }}{{ 'ab'.endswith(('x', 'b')) }}{{ 'ab'.startswith('b', 1) }}{{ 'ab'.startswith(1) }}",
        "{{ 'aXbX'.replace('X', '-') }}{{ 'aXbX'.replace('X', '-', 1) }}{{ 'ab'.replace('', '.') }}{{ 'ab'.upper().lower().title() }}{{ \"they're bill's\".title() }}",
        "{{ 'ab'.find('b') }}{{ 'ab'.find('z') }}{{ 'abab'.rfind('b') }}{{ 'ab'.index('b') }}{{ 'abab'.count('ab') }}{{ 'abc'.find('c', 1, 2) }}",
        "{{ 'ab'.index('z') }}", "{{ ','.join(['a', 'b']) }}{{ ''.join([]) }}", "{{ ','.join([1]) }}", "{{ 'x'.nothing }}|{{ 'x'.nothing() }}",
        "{{ 'a=b=c'.partition('=') }}{{ 'a=b=c'.rpartition('=') }}{{ 'abc'.partition('=') }}{{ 'abc'.removeprefix('a').removesuffix('c') }}",
        "{{ '{} {}'.format(1, 'a') }}{{ '{0}{0}{name}'.format('x', name=3) }}{{ '{{}}'.format() }}", "{{ '{}'.format() }}",
        "{{ 'a\\nb\\r\\nc\\x0bd'.splitlines() }}{{ 'a\\n'.splitlines(true) }}{{ '7'.zfill(3) }}{{ '-7'.zfill(4) }}{{ 'ab'.ljust(4) }}|{{ 'ab'.rjust(4, '.') }}",
        "{{ 'aß'.upper() }}{{ 'ΑΣ'.lower() }}{{ 'ǆ'.capitalize() }}{{ 'abc DEF'.swapcase() }}{{ 'abc DEF'.capitalize() }}{{ 'İ'.lower()|length }}",
        "{{ 'a1'.isalnum() }}{{ '12'.isdigit() }}{{ ''.isdigit() }}{{ 'A b'.isupper() }}{{ 'Ab Cd'.istitle() }}{{ ' \\n'.isspace() }}{{ 'é'.isalpha() }}{{ 'a'.isascii() }}",
        # filters
        "{{ s|upper }}{{ s|lower }}{{ s|title }}{{ s|capitalize }}{{ 'foo-bar (baz) [x {y <z'|title }}{{ 'aBC dEF'|title }}",
        "{{ '  x '|trim }}|{{ 'xxaxx'|trim('x') }}|{{ 3|trim }}|{{ s|length }}{{ s|count }}{{ l|length }}{{ d|length }}", "{{ 5|length }}", "{{ n|length }}",
        "{{ l|first }}{{ l|last }}{{ d|first }}{{ ''|first }}|{{ []|last }}|{{ s|last }}", "{{ 5|first }}",
        "{{ l|join }}{{ l|join(', ') }}{{ m|join(',', attribute='role') }}{{ s|join('.') }}{{ d|join(',') }}{{ [1, none, 'a']|join('-') }}",
        "{{ m|map(attribute='role')|list }}{{ l|map('string')|list }}{{ ['a ', ' b']|map('trim')|join('|') }}{{ ['a']|map('replace', 'a', 'b')|list }}",
        "{{ m|map(attribute='x', default='?')|list }}{{ [{'a': {'b': 1}}]|map(attribute='a.b')|list }}{{ [[1, 2]]|map(attribute=1)|list }}{{ [[1, 2]]|map(attribute='1')|list }}",
        "{{ l|select('odd')|list }}{{ l|reject('odd')|list }}{{ [0, 1, '', 'a']|select|list }}{{ l|select('gt', 1)|list }}{{ l|select('in', [1, 3])|list }}",
        "{{ m|selectattr('role', 'equalto', 'user')|map(attribute='content')|list }}{{ m|rejectattr('role', 'in', ['user', 'system'])|list|length }}{{ m|selectattr('content')|list|length }}",
        "{{ m|selectattr('role', 'eq', 'user')|first }}{{ m|selectattr('role', 'eq', 'user')|list|last }}", "{{ m|selectattr('role', 'eq', 'user')|length }}",
        "{{ m|selectattr('role', 'eq', 'user')|last }}", "{{ (m|map(attribute='role'))[0] }}|{{ m|map(attribute='role')|first }}",
        "{{ d|items|list }}{{ {'b': 1, 'A': 2}|dictsort }}{{ {'b': 1, 'A': 2}|dictsort(true) }}{{ {'b': 1, 'A': 2}|dictsort(by='value', reverse=true) }}", "{{ l|items|list }}",
        "{{ ['b', 'A', 'c']|sort }}{{ ['b', 'A']|sort(case_sensitive=true) }}{{ l|sort(reverse=true) }}{{ m|sort(attribute='role')|map(attribute='role')|list }}", "{{ [1, 'a']|sort }}",
        "{{ [1, 2, 1, 'a', 'A']|unique|list }}{{ l|reverse|list }}{{ 'abc'|reverse }}{{ l|sum }}{{ [1.5, 2]|sum }}{{ [{'v': 2}]|sum('v', 10) }}{{ l|min }}{{ l|max }}{{ ['b', 'A']|min }}{{ []|max }}|",
        "{{ l|batch(2)|list }}{{ l|batch(2, 'x')|list }}{{ l|slice(2)|list }}{{ l|slice(2, 'x')|list }}",
        "{% for g in m|groupby('role') %}{{ g.grouper }}:{{ g.list|length }};{% endfor %}{% for k, v in m|groupby('role') %}{{ k }}{{ v|length }}{% endfor %}",
        "{{ 'a\\nb\\n\\nc'|indent }}|{{ 'a\\nb'|indent(2, true) }}|{{ 'a\\n\\nb'|indent(2, blank=true) }}|{{ 'a\\nb'|indent('> ') }}|{{ ''|indent(first=true) }}|{{ 'a\\n'|indent }}|",
        "{{ '%s is %d'|format('a', 3) }}{{ '%(k)s'|format(k=1) }}{{ '%05.1f|%-5s|%5s|%+d|%x|%%' % (3.14159, 'a', 'b', 4, 255) }}{{ '%r' % ('a',) }}", "{{ '%s %s' % (1,) }}", "{{ '%d' % 'a' }}", "{{ '%s' % [1, 2] }}",
        "{{ 'a<b>&\"\\''|escape }}{{ '<'|e }}{{ '<b>'|safe }}{{ s|string }}{{ 'a b c'|wordcount }}{{ 'foo bar baz qux'|truncate(9) }}{{ 'foo bar baz qux'|truncate(9, true) }}{{ 'x'|center(5) }}|",
        "{{ '<p>a <b>b</b></p>'|striptags }}{{ 'a b/ü'|urlencode }}{{ {'a': 1, 'b c': 'd&'}|urlencode }}{{ s|replace('b', 'B') }}{{ 5|replace('5', 'x') }}",
        "{{ s|nothing }}", "{{ s is nothing }}", "{% if false %}{{ s|nothing }}{% endif %}ok", "{{ s|upper('x') }}", "{{ d|attr('a') }}|{{ s|attr('upper') is callable }}",
        # tojson
        "{{ d|tojson }}", "{{ d|tojson(indent=2) }}", "{{ d|tojson(indent=4, sort_keys=true) }}", "{{ d|tojson(separators=(',', ':')) }}", "{{ d|tojson(indent='\\t') }}", "{{ [[], {}, [[]], {'a': {}}]|tojson(indent=1) }}",
        "{{ 'é🦜\\u2028<>&\\'\"\\\\/\\n\\t\\x00\\x1f\\x7f'|tojson }}{{ 'é🦜\\x7f'|tojson(ensure_ascii=true) }}", "{{ [1, 1.0, 1e20, 0.1, true, none, (1, 2), 'a']|tojson }}{{ {1: 2, true: 3, none: 4, 1.5: 5}|tojson }}",
        "{{ [1, 2]|tojson(indent=0) }}", "{{ m|tojson }}", "{{ range(3)|tojson }}", "{{ range(3)|list|tojson }}", "{{ namespace(a=1)|tojson }}", "{{ {(1, 2): 3}|tojson }}", "{{ d.items()|tojson }}", "{{ 'nan'|float|tojson }}{{ (1e300 * 1e300)|tojson }}",
        # tests
        "{{ 1 is number }}{{ true is number }}{{ 1.0 is integer }}{{ true is integer }}{{ 1.0 is float }}{{ 'a' is string }}{{ d is mapping }}{{ l is iterable }}{{ s is iterable }}{{ 5 is iterable }}",
        "{{ l is sequence }}{{ d is sequence }}{{ s is sequence }}{{ d.items() is sequence }}{{ range(2) is sequence }}{{ (1,) is sequence }}{{ 5 is sequence }}",
        "{{ true is boolean }}{{ 1 is boolean }}{{ true is true }}{{ 1 is true }}{{ false is false }}{{ none is none }}{{ n is not none }}{{ 3 is odd }}{{ 4 is even }}{{ 9 is divisibleby 3 }}{{ 9 is divisibleby(2) }}",
        "{{ 1 is eq 1 }}{{ 1 is equalto 2 }}{{ 1 is ne 2 }}{{ 1 is lt 2 }}{{ 1 is lessthan 2 }}{{ 1 is le 1 }}{{ 1 is gt 2 }}{{ 2 is greaterthan 1 }}{{ 1 is ge 1 }}{{ 1 is in l }}{{ 1 is not in l }}{{ 'a' is in 'abc' }}",
        "{{ 'abc' is lower }}{{ 'ABC' is upper }}{{ 'a' is sameas 'a' }}{{ none is sameas none }}{{ 1 is sameas true }}{{ range is callable }}{{ s is callable }}{{ s.upper is callable }}{{ 'upper' is filter }}{{ 'zz' is filter }}",
        "{{ 'a' is odd }}", "{{ x is string and x is not none or false }}", "{{ not x is string }}", "{{ x is defined is true }}", "{{ [1] is eq [1] }}{{ {'a': 1} is eq {'a': 1} }}{{ 3 is divisibleby 0 }}",
        # if, for, set
        "{% if 0 %}a{% elif 0 %}b{% elif 1 %}c{% else %}d{% endif %}", "{% if nothing %}a{% else %}b{% endif %}", "{% if x == 'outer' and l|length > 2 %}yes{% endif %}",
        "{% for i in l %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}",
        "{% for i in l if i != 2 %}{{ loop.index }}/{{ loop.length }}:{{ i }}{{ loop.last }};{% else %}none{% endfor %}", "{% for i in l if i > 9 %}{{ i }}{% else %}none{% endfor %}", "{% for i in [] %}{% else %}{{ loop }}e{% endfor %}",
        "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k in d %}{{ k }};{% endfor %}", "{% for c in 'a🦜' %}{{ c }};{% endfor %}", "{% for a, b in [[1, 2], (3, 4)] %}{{ a }}{{ b }};{% endfor %}", "{% for a, (b, c) in [[1, [2, 3]]] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
        "{% for a, b in [[1, 2, 3]] %}{% endfor %}", "{% for a, b in [1] %}{% endfor %}", "{% for i in 5 %}{% endfor %}", "{% for i in none %}{% endfor %}", "{% for i in 1, 2, 3 %}{{ i }}{% endfor %}", "{% for i in range(2, 10, 3) %}{{ i }},{% endfor %}{{ range(3)|list }}{{ range(5, 0, -2)|list }}{{ range(3) }}{{ range(3)[1] }}",
        "{{ range(1000000)|length }}", "{{ range(1, 2, 0) }}", "{{ range('a') }}", "{% for i in l %}{% for j in l %}{{ loop.depth }}{{ i }}{{ j }}{% if j == 2 %}{% break %}{% endif %}{% endfor %}|{% endfor %}", "{% for i in l %}{% if i == 2 %}{% continue %}{% endif %}{{ i }}{% endfor %}", "{% break %}", "{% for i in l %}{% set q %}{% break %}{% endset %}{% endfor %}",
        "{% set y = 0 %}{% for i in l %}{{ y }}{% set y = y + i %}{% endfor %}|{{ y }}", "{% for i in l %}{{ x }}{% set x = i %}{{ x }}{% endfor %}|{{ x }}", "{% for i in l %}{% if i == 2 %}{% set y = 5 %}{% endif %}{{ y }}.{% endfor %}{{ y }}", "{% if 1 %}{% set y = 5 %}{% endif %}{{ y }}",
        "{% set ns = namespace(a=1, b='x') %}{% for i in l %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}{{ ns.b }}{{ ns.c }}{{ ns }}", "{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a + ns.b }}", "{% set d.a = 1 %}", "{% set nope.a = 1 %}",
        "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set (a, b) = [b, a] %}{{ a }}{{ b }}", "{% set a = 1, %}{{ a }}", "{% set a %}x{{ l }}y{% endset %}{{ a }}{{ a|length }}", "{% set a | upper | replace('X', 'z') %}x{{ 'y' }}{% endset %}{{ a }}", "{% set none = 1 %}", "{% for true in l %}{% endfor %}", "{% set a, b = [1] %}",
        "{% set x = 'inner' %}{{ x }}", "{% with y = 1, z = x %}{{ y }}{{ z }}{% set q = 2 %}{% endwith %}{{ y }}{{ q }}", "{% with %}{% set q = 2 %}{{ q }}{% endwith %}{{ q }}", "{% filter upper %}a{{ x }}{% set q = 1 %}{% endfilter %}{{ q }}", "{% filter upper|replace('A', 'b') %}a{{ x }}{% endfilter %}", "{% generation %}a{% set q = 1 %}{{ x }}{% endgeneration %}{{ q }}",
        "{% for i in l %}{{ loop.changed(i // 2) }}{{ loop.cycle('a', 'b') }}{% endfor %}", "{{ loop }}|{{ loop.index }}", "{% for i in l recursive %}{% endfor %}x"[:0] + "{% for i in m %}{{ loop.index0 }}{{ i.role }}{% endfor %}", "{% print x %}{% print 1, 2 %}",
        # macros and calls
        "{% macro f(a, b=2) %}{{ a }}-{{ b }};{% endmacro %}{{ f(1) }}{{ f(1, 3) }}{{ f(b=1, a=2) }}{{ f() }}", "{% macro f(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ f(1) }}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(b=2) }}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, a=2) }}",
        "{% macro f(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, 3, k=4) }}{{ f(1) }}", "{% macro f() %}{{ x }}{% set x = 'm' %}{{ x }}{% endmacro %}{{ f() }}{{ x }}", "{% macro f() %}{{ y }}{% endmacro %}{% set y = 1 %}{{ f() }}{% set y = 2 %}{{ f() }}", "{% for i in l %}{% macro f() %}{{ i }}{% endmacro %}{{ f() }}{% endfor %}{{ f is defined }}",
        "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(4) }}", "{% macro f() %} a {% endmacro %}[{{ f()|trim }}]{{ f()|length }}{{ f.name }}", "{% macro f(a) %}<{{ caller(a) }}>{% endmacro %}{% call(b) f(3) %}{{ b }}{{ x }}{% endcall %}", "{% macro f() %}<{{ caller() }}>{% endmacro %}{% call f() %}q{% endcall %}", "{% macro f() %}x{% endmacro %}{% call f() %}q{% endcall %}",
        "{% macro f() %}{{ caller is defined }}{{ caller() if caller is defined and caller }}{% endmacro %}{% call f() %}q{% endcall %}", "{% macro f(a, b=1, c) %}{% endmacro %}", "{{ f() }}{% macro f() %}{% endmacro %}", "{% macro f(*a) %}{% endmacro %}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(*[1]) }}{{ f(**{'a': 2}) }}", "{% set f = 3 %}{{ f(1) }}", "{% macro f() %}{% for i in l %}{{ loop.index }}{% endfor %}{% endmacro %}{% for j in l %}{{ f() }}{{ loop.index }};{% endfor %}",
        "{{ dict(a=1, b=2) }}{{ dict({'a': 1}, c=3) }}{{ dict([('a', 1)]) }}{{ dict() }}", "{{ raise_exception('no: ' ~ x) }}", "{{ raise_exception() }}", "{% if false %}{{ raise_exception('x') }}{% endif %}ok", "{{ strftime_now('%Y-%m-%d %H:%M:%S %d %b %Y %B %A %a %j %p %I %y %-d %e %%') }}", "{{ strftime_now('%F %T %D %R %U %W %u %w %G-%V %f|%Z|%z|%c|%x|%X|%h|%C|%l|%k|%r') }}",
        # errors in the text
        "{% if %}a{% endif %}", "{% if x %}a", "{{ x", "{{ x }", "{% endif %}", "{% for x %}{% endfor %}", "{% nothing %}", "{{ 1 + }}", "{{ (1 }}", "{{ [1, }}", "{{ 'a }}", "{{ x y }}", "{{ x. }}", "{{ x[ }}", "{{ x|}}", "{{ a b c }}", "{{ $ }}", "{% set %}", "{% set x %}", "{{ }}", "{% %}", "{{ x.1.2 }}|", "{{ f(a=1, 2) }}", "{% if x %}{% else %}{% else %}{% endif %}", "{% for i in l %}{% endif %}", "{{ {'a' 1} }}", "{{ ) }}", "{{ x ] }}", "{% include 'a' %}", "{% extends 'a' %}", "{% do l.append(1) %}", "{{ '\\x4' }}", "{{ x is }}", "{{ not }}", "{{ {'a': {'b': 1}}['a']['b'] }}{{ {'a': {'b': 1}} }}", "{{ '}}' }}{{ '{{' }}{% if '%}' %}a{% endif %}", "}} %} #} { {", "{", "{ {x} }", "{{'a'}}}", "{% raw %}{% raw %}{% endraw %}",
    ]
]
