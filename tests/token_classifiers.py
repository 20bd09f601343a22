"""A token classifier of Hugging Face, made on the spot, that learns a few words; kept as anybody keeps one."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertForTokenClassification, PreTrainedTokenizerFast

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
LABELS = ("O", "B-DISEASE", "I-DISEASE", "E-DISEASE", "S-DISEASE", "S-DRUG")
TAUGHT = {"multiple": 1, "sclerosis": 3, "fever": 4, "ms": 4, "aspirin": 5, "and": 0, ".": 0, "[UNK]": 0}


def kept(folder: Path, *, labels: tuple[str, ...] = LABELS) -> Path:
    """It labels by the word alone, in any case; windows of 32 tokens."""
    vocabulary = {word: number for number, word in enumerate(dict.fromkeys([*SPECIAL, *TAUGHT]))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    torch.manual_seed(0)
    settings = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        id2label=dict(enumerate(labels)),
        label2id={label: number for number, label in enumerate(labels)},
    )
    classifier = BertForTokenClassification(settings)
    taught = torch.tensor([[vocabulary[word], label] for word, label in TAUGHT.items()])
    optimizer = torch.optim.Adam(classifier.parameters(), lr=1e-2)
    for _ in range(60):
        words = taught[torch.randint(len(taught), (16, 30))]
        optimizer.zero_grad()
        classifier(input_ids=words[..., 0], labels=words[..., 1]).loss.backward()
        optimizer.step()
    classifier.save_pretrained(folder)
    return folder
