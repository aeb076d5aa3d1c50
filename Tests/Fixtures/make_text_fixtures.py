"""Records what Python's programs make of texts: `python3 make_text_fixtures.py DATA`, DATA being the shared data.

Needs tokenizers, transformers, torch and safetensors. Pickles of vocabularies need none of them: their class is called
as in the programs that wrote such files, and reading them needs no class.
"""
import gzip
import json
import pathlib
import pickle
import random
import sys
import types

HERE = pathlib.Path(__file__).parent / "text"


class Vocabulary:
    def __init__(self, words):
        self.word2idx = {w: i for i, w in enumerate(words)}
        self.idx2word = dict(enumerate(words))
        self.idx = len(words)


def pickles():
    Vocabulary.__module__ = "vocab"
    sys.modules["vocab"] = types.ModuleType("vocab")
    sys.modules["vocab"].Vocabulary = Vocabulary
    words = ["<pad>", "<start>", "<end>", "<unk>", "dog", "it's", "café"]
    for protocol in (0, 2):
        (HERE / f"vocabulary-protocol{protocol}.pkl").write_bytes(pickle.dumps(Vocabulary(words), protocol))

    # What Python 2 writes in its text protocol for byte strings.
    def literal(text):
        return b"S" + repr(text.encode())[1:].encode() + b"\n"

    numbered = b"".join(literal(w) + b"I%d\ns" % i for i, w in enumerate(words))
    (HERE / "vocabulary-literals.pkl").write_bytes(
        b"(ivocab\nVocabulary\np0\n(d" + literal("word2idx") + b"(d" + numbered + b"sb.")

    # What Python 2 writes with pickle.HIGHEST_PROTOCOL for an old-style class with byte strings.
    def short(text):
        data = text.encode()
        return b"U" + bytes([len(data)]) + data

    pairs = b"".join(short(w) + b"K" + bytes([i]) for i, w in enumerate(words))
    back = b"".join(b"K" + bytes([i]) + short(w) for i, w in enumerate(words))
    members = short("word2idx") + b"}(" + pairs + b"u" + short("idx2word") + b"}(" + back + b"u" + short("idx")
    (HERE / "vocabulary-python2.pkl").write_bytes(
        b"\x80\x02(cvocab\nVocabulary\noq\x01}(" + members + b"K" + bytes([len(words)]) + b"ub.")


# ------------------------------------------------------------------------------------------------- word pieces
ODD = [
    "", " ", "\t\n", "a\u200bb\u00adc", "nul\0in\ufffdside", "tab\tnew\nline\rreturn", "no-break\u00a0space\u3000wide",
    "line\u2028paragraph\u2029end", "Ünïcödé ÀÉÎÕÜ ñ ç ß Ł ø İstanbul ŞĞ", "e\u0301 cafe\u0301 o\u0308",
    "don't stop-it now!?... (yes) [no] {maybe} <tag> a/b\\c a_b a*b a+b a=b a~b a^b `q` $5 100% #1 @me &c; |x|",
    "“quotes” ‘single’ «guillemets» „low“ – en — em … ellipsis • bullet ¿qué? ¡sí! 「引用」、。",
    "中国的狗 dog狗cat 東京タワー こんにちは ﾊﾝｶｸ 한국어 문장 𠀀𪛖 㐀 豈", "עברית العربية हिन्दी ไทย Ελληνικά Привет ΑΣ ΣΟΦΟΣ",
    "🙂 emoji 👩‍👩‍👧 ❤️ ☕", "x" * 99, "x" * 100, "x" * 101, "supercalifragilistic" * 6, "1234567890 3.14 1,000,000 2²",
    "MiXeD CaSe WORDS iPhone NASA", "a" * 40 + " b", "½ ⅓ Ⅷ ① ™ © ® ° € £ ¥", "\u0000\u0001\u0002", "\ufeffmark \ue000private",
]


def lines(path):
    opener = gzip.open if path.suffix == ".gz" else open
    return opener(path, "rt", encoding="utf-8").read().split("\n")


def captions(data):
    """What the test reads again: every so-manieth line of the shared data, by the same rule."""
    sources = [("multi30k/val.en.gz", 250), ("multi30k/val.de.gz", 250), ("multi30k/val.fr.gz", 250),
               ("flickr8k_captions/caption.txt", 250)]
    found = []
    for name, count in sources:
        rows = [row for row in lines(data / name) if row]
        step = len(rows) // count
        found += [rows[i * step] for i in range(count)]
    return found


def word_pieces(data):
    import torch
    from safetensors.torch import save_file
    from tokenizers import BertWordPieceTokenizer

    random.seed(1)
    names = [json.loads(row) for row in lines(data / "emoji/names.jsonl") if row]
    own = list(ODD)
    for language in ("en", "de", "fr", "es", "pt", "it", "ja", "zh"):
        own += [row[language] for row in random.sample(names, 60)]
    shared = captions(data)
    trainer = BertWordPieceTokenizer(lowercase=True)
    trainer.train_from_iterator(own * 3 + shared, vocab_size=2500, min_frequency=2, show_progress=False,
                                limit_alphabet=700)
    cased = BertWordPieceTokenizer(lowercase=False, strip_accents=False)
    cased.train_from_iterator(own * 3, vocab_size=900, min_frequency=2, show_progress=False, limit_alphabet=400)
    pieces = [p for p, _ in sorted(trainer.get_vocab().items(), key=lambda pair: pair[1])]
    # Cased pieces too, so that one file serves both.
    pieces += [p for p, _ in sorted(cased.get_vocab().items(), key=lambda pair: pair[1]) if p not in set(pieces)]
    (HERE / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    (HERE / "sentences.json").write_text(json.dumps(own, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    vocabulary = {p: i for i, p in enumerate(pieces)}
    found = {}

    def record(name, texts, **settings):
        tokenizer = BertWordPieceTokenizer(vocab=vocabulary, **settings)
        rows = [encoded.ids for encoded in tokenizer.encode_batch(texts)]
        found[f"{name}.numbers"] = torch.tensor([n for row in rows for n in row], dtype=torch.int16)
        found[f"{name}.lengths"] = torch.tensor([len(row) for row in rows], dtype=torch.int16)

    record("own", own, lowercase=True)
    record("own-cased", own, lowercase=False, strip_accents=False)
    record("own-together", own, lowercase=True, handle_chinese_chars=False)
    record("shared", shared, lowercase=True)
    save_file(found, HERE / "wordpiece.safetensors")


# ------------------------------------------------------------------------------------------------- BERT
def bert():
    import torch
    from safetensors.torch import save_file
    from transformers import BertConfig, BertModel

    torch.manual_seed(2)
    torch.set_num_threads(1)
    config = dict(vocab_size=40, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=24,
                  max_position_embeddings=12, type_vocab_size=2, hidden_act="gelu", initializer_range=0.4)
    model = BertModel(BertConfig(**config, attn_implementation="eager")).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    found = {f"state.{k}": v.clone() for k, v in model.state_dict().items()}
    model = model.double()
    found["in.tokens"] = torch.randint(0, 40, (3, 7))
    found["in.mask"] = torch.tensor([[1] * 7, [1] * 4 + [0] * 3, [1, 1] + [0] * 5])
    found["in.types"] = torch.tensor([[0, 0, 0, 1, 1, 1, 1]] * 3)
    for name, types in (("", None), ("typed.", found["in.types"])):
        model.zero_grad()
        out = model(input_ids=found["in.tokens"], attention_mask=found["in.mask"], token_type_ids=types)
        wanted = {"states": out.last_hidden_state, "pooled": out.pooler_output}
        loss = 0
        for key, value in wanted.items():
            weight = torch.randn_like(value)
            # What stands at padding means nothing.
            if key == "states":
                weight = weight * found["in.mask"].unsqueeze(2)
            found[f"{name}weight.{key}"] = weight.float()
            found[f"{name}out.{key}"] = value.detach()
            loss = loss + (value * weight.float().double()).sum()
        loss.backward()
        for key, value in model.named_parameters():
            if any(part in key for part in ("word_emb", "layer.0.attention.self", "layer.1.output", "pooler", "embeddings.LayerNorm")):
                found[f"{name}grad.{key}"] = value.grad.float()
    save_file({k: v.contiguous() for k, v in found.items()}, HERE / "bert.safetensors", metadata={"config": json.dumps(config)})


HERE.mkdir(exist_ok=True)
pickles()
word_pieces(pathlib.Path(sys.argv[1]))
bert()
