"""Tiny tokenizers of the kinds that Llama, Mistral and Qwen checkpoints ship, trained on a text of our own."""

import json
from pathlib import Path

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

# The splitting patterns are those published in the tokenizer.json of the models named.
LLAMA3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
TEKKEN_SPLIT = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

CORPUS = [
    "The lorikeet is a small parrot that feeds on nectar, and it visits many flowers in one day.",
    "Every flower gives a little; the bird carries its own tongue, and the tongue does the work.",
    "Hello, world! Hello again. What is the weather like today? It is warm, with some wind from the sea.",
    "Write a short answer. Be brief and be kind; the assistant helps the user, and the system sets the rules.",
    "1 2 3 10 11 12 100 200 2024 2025 3.14159 1,000,000 42% 7:30 12/05",
    "for (int i = 0; i < n; i++) {\n    sum += values[i] * weights[i];\n}\nreturn sum;\n",
    "def area(radius):\n    return 3.14 * radius ** 2\n\n\nclass Shape:\n    pass\n",
    '{"name": "lorikeet", "size": 25, "colours": ["green", "blue", "red"], "wild": true}',
    "I don't think we'll need it, but you've said that they're sure he'd come and I'm fine with that.",
    "Un café crème, s'il vous plaît; où est la gare? Der Vogel fliegt über die Brücke. ¿Dónde está el niño?",
    "Привет, мир! Как дела сегодня? Хорошо, спасибо.",
    "日本語の文章です。今日は天気がいいですね。中文的句子也在这里。한국어 문장도 있습니다.",
    "مرحبا بالعالم، كيف الحال؟ שלום עולם, מה שלומך?",
    "हिन्दी में एक वाक्य। ภาษาไทยก็มีด้วย",
    "🦜 🎉 👍 ❤️ — … “quoted” ‘single’ • ½ €5 £3 ©",
    "   indented text\n\n\n\twith tabs\tand   runs    of     spaces\n",
]


def byte_level_bpe(split: str, size: int, first: list[str] = (), normaliser=None, post_processor=None) -> Tokenizer:
    """Byte-level BPE behind a splitting pattern; `first` are special tokens with the lowest ids."""
    tokenizer = Tokenizer(models.BPE())
    if normaliser is not None:
        tokenizer.normalizer = normaliser
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(split), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        CORPUS,
        trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=list(first),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    tokenizer.post_processor = post_processor or processors.ByteLevel(trim_offsets=False)
    return tokenizer


def qwen(size: int, special: list[str], plain: list[str] = ()) -> Tokenizer:
    """As Qwen: NFC, digits one by one, added tokens after the vocabulary; `plain` ones survive skip_special_tokens."""
    tokenizer = byte_level_bpe(QWEN_SPLIT, size, normaliser=normalizers.NFC())
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in special])
    tokenizer.add_tokens([AddedToken(t, normalized=False, special=False) for t in plain])
    return tokenizer


def llama3(size: int, special: list[str]) -> Tokenizer:
    """As Llama 3: begin-of-text put in front by the post-processor, and whole words taken without merges."""
    tokenizer = byte_level_bpe(LLAMA3_SPLIT, size - 4, first=special)
    state = json.loads(tokenizer.to_str())
    vocabulary = state["model"]["vocab"]
    # Words that no merge leads to: only `ignore_merges` reaches them.
    for word in ("Ġlorikeet", "Hello", "Ġassistant", "èªŀ"):
        vocabulary.setdefault(word, len(vocabulary))
    state["model"]["ignore_merges"] = True
    tokenizer = Tokenizer.from_str(json.dumps(state))
    begin = special[0]
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=True),
            processors.TemplateProcessing(
                single=f"{begin} $A", pair=f"{begin} $A {begin}:1 $B:1", special_tokens=[(begin, 0)]
            ),
        ]
    )
    return tokenizer


def tekken(size: int, special: list[str]) -> Tokenizer:
    """As Mistral Nemo's split, with added tokens of every flag and merges in the spelling before tokenizers 0.20."""
    tokenizer = byte_level_bpe(TEKKEN_SPLIT, size, first=special)
    tokenizer.add_tokens(
        [
            AddedToken("<|left|>", lstrip=True, normalized=False, special=True),
            AddedToken("<|right|>", rstrip=True, normalized=False, special=True),
            AddedToken("parrot", single_word=True, normalized=True, special=False),
        ]
    )
    return tokenizer


def sentencepiece_bpe(size: int, across_words: bool) -> tuple[dict, list]:
    """Vocabulary and merges with byte fallback: <unk>, <s>, </s>, 256 bytes, then pieces."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    if not across_words:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    first = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    lines = [line for text in CORPUS[:10] for line in text.split("\n") if line]
    tokenizer.train_from_iterator(
        lines, trainers.BpeTrainer(vocab_size=size, special_tokens=first, limit_alphabet=90, show_progress=False)
    )
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], model["merges"]


def llama2(size: int) -> Tokenizer:
    """As Llama 2: blanks become ▁ in the normaliser, nothing is split, unknown characters become bytes."""
    vocabulary, merges = sentencepiece_bpe(size - 2, across_words=False)
    for left, right in (("▁", "▁"), ("▁▁", "▁▁")):
        vocabulary[left + right] = len(vocabulary)
        merges.append([left, right])
    tokenizer = Tokenizer(
        models.BPE(
            vocab=vocabulary,
            merges=[tuple(m) for m in merges],
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(content=" ", left=1, right=0),
        ]
    )
    finish_sentencepiece(tokenizer, [])
    return tokenizer


def mistral(size: int, control: list[str]) -> Tokenizer:
    """As Mistral 7B v0.3: Metaspace puts ▁ in front of the first piece only, and merges may cross words."""
    vocabulary, merges = sentencepiece_bpe(size, across_words=True)
    tokenizer = Tokenizer(
        models.BPE(
            vocab=vocabulary,
            merges=[tuple(m) for m in merges],
            unk_token="<unk>",
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(content=" ", left=1, right=0),
        ]
    )
    finish_sentencepiece(tokenizer, control)
    return tokenizer


def finish_sentencepiece(tokenizer: Tokenizer, control: list[str]) -> None:
    tokenizer.add_special_tokens(
        [AddedToken(t, normalized=False, special=True) for t in ["<unk>", "<s>", "</s>", *control]]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
    )


def unigram(size: int) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    tokenizer.train_from_iterator(
        CORPUS,
        trainers.UnigramTrainer(
            vocab_size=size, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>", show_progress=False
        ),
    )
    return tokenizer


def write_tokenizer(folder: Path, tokenizer: Tokenizer, config: dict, old_merges: bool = False) -> None:
    """Writes tokenizer.json and tokenizer_config.json; `old_merges` spells a merge "a b" rather than ["a", "b"]."""
    state = json.loads(tokenizer.to_str())
    if old_merges:
        state["model"]["merges"] = [" ".join(merge) for merge in state["model"]["merges"]]
    (folder / "tokenizer.json").write_text(json.dumps(state, ensure_ascii=False), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        json.dumps(config, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
