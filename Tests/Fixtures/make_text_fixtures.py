"""Writes the pickles of vocabularies that the tests read: `python3 make_text_fixtures.py`.

The class is called as in the programs that wrote such files; reading them needs no class.
"""
import pathlib
import pickle
import sys
import types

HERE = pathlib.Path(__file__).parent / "text"


class Vocabulary:
    def __init__(self, words):
        self.word2idx = {w: i for i, w in enumerate(words)}
        self.idx2word = dict(enumerate(words))
        self.idx = len(words)


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
(HERE / "vocabulary-literals.pkl").write_bytes(b"(ivocab\nVocabulary\np0\n(d" + literal("word2idx") + b"(d" + numbered + b"sb.")

# What Python 2 writes with pickle.HIGHEST_PROTOCOL for an old-style class with byte strings.
def short(text):
    data = text.encode()
    return b"U" + bytes([len(data)]) + data

pairs = b"".join(short(w) + b"K" + bytes([i]) for i, w in enumerate(words))
back = b"".join(b"K" + bytes([i]) + short(w) for i, w in enumerate(words))
members = short("word2idx") + b"}(" + pairs + b"u" + short("idx2word") + b"}(" + back + b"u" + short("idx") + b"K" + bytes([len(words)])
(HERE / "vocabulary-python2.pkl").write_bytes(b"\x80\x02(cvocab\nVocabulary\noq\x01}(" + members + b"ub.")
