"""The tokenizer: byte-level BPE in which words, single digits, runs of punctuation and white space stand apart.

No token joins a space with a word, so a word is the same token at the start of a text, in a sentence and in quotes,
which is what a small model that copies names into JSON and SQL needs. No token is put before or after a text.
"""

import random

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

import corpus

END = "<|end|>"
PIECES = r"\p{L}+|\p{N}|[^\s\p{L}\p{N}]+|\s+"
VOCABULARY = 1024

CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{%- if message['role'] == 'user' -%}"
    "{{- message['content'] | trim -}}"
    "{%- elif message['role'] == 'assistant' -%}"
    "{{- ' =>' + message['content'] + eos_token -}}"
    "{%- else -%}"
    "{{- raise_exception('This model knows the roles user and assistant, not ' + message['role']) -}}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- ' =>' -}}{%- endif -%}"
)


def train(documents, seed=1):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    rng = random.Random(seed)
    tokenizer.train_from_iterator((corpus.vocabulary_text(rng) for _ in range(documents)), trainer)
    assert tokenizer.token_to_id(END) == 0
    assert not any(map(corpus.merges_roman_letters, tokenizer.get_vocab()))
    return tokenizer


def save(tokenizer, folder):
    """Writes tokenizer.json, tokenizer_config.json and chat_template.jinja."""
    from transformers import PreTrainedTokenizerFast

    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=END,
        padding_side="left",
        model_max_length=256,
        clean_up_tokenization_spaces=False,
    )
    wrapped.chat_template = CHAT_TEMPLATE
    wrapped.save_pretrained(folder)
