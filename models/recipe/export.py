# SPDX-License-Identifier: Apache-2.0
"""Writes a trained model or adapter as GGUF.

python export.py model FOLDER OUT.gguf [--type Q8_0]
python export.py adapter FOLDER OUT.gguf
"""

import argparse
import json
import pathlib

import gguf
import numpy
from safetensors.numpy import load_file

from model import CONTEXT, TEMPLATE, Tokenizer

# From the names of transformers to those of llama.cpp.
NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def name_of(name: str) -> str:
    """llama.cpp's name of a tensor: `model.layers.0.mlp.up_proj.weight` is `blk.0.ffn_up.weight`."""
    if name == "model.embed_tokens.weight":
        return "token_embd.weight"
    if name == "lm_head.weight":
        return "output.weight"
    if name == "model.norm.weight":
        return "output_norm.weight"
    _, _, layer, *rest = name.split(".")
    *inner, end = rest
    return f"blk.{layer}.{NAMES['.'.join(inner)]}.{end}"


def turned(name: str, rows: numpy.ndarray, heads: int) -> numpy.ndarray:
    """Rows of a query or key projection in llama.cpp's order. It rotates neighbors, transformers the two halves of a head."""
    if ".q_proj." not in name and ".k_proj." not in name:
        return rows
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(rows.shape)


def write_model(folder: pathlib.Path, tokenizer_file: pathlib.Path, out: pathlib.Path, kind: str, label: str):
    config = json.loads((folder / "config.json").read_text())
    heads = config["num_attention_heads"]
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_name(label)
    writer.add_license("Apache-2.0")
    writer.add_languages(["ko", "en"])
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_dimension_count(config["hidden_size"] // heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(config["vocab_size"])
    # Close to the likeliest answer, unless who asks wants it otherwise.
    writer.add_float32("general.sampling.temp", 0.3)
    quantization = gguf.GGMLQuantizationType[kind]
    writer.add_file_type(gguf.LlamaFileType[f"MOSTLY_{kind}"])
    write_tokenizer(writer, Tokenizer(tokenizer_file).pieces)
    for name, tensor in sorted(load_file(folder / "model.safetensors").items()):
        tensor = turned(name, tensor.astype(numpy.float32), heads)
        if tensor.ndim == 1:
            writer.add_tensor(name_of(name), tensor)
        else:
            writer.add_tensor(name_of(name), gguf.quants.quantize(tensor, quantization), raw_dtype=quantization)
    finish(writer)


def write_tokenizer(writer: gguf.GGUFWriter, pieces):
    types = []
    for i in range(pieces.vocab_size()):
        kind = gguf.TokenType.NORMAL
        if pieces.is_unknown(i):
            kind = gguf.TokenType.UNKNOWN
        elif pieces.is_control(i):
            kind = gguf.TokenType.CONTROL
        elif pieces.is_byte(i):
            kind = gguf.TokenType.BYTE
        types.append(kind)
    writer.add_tokenizer_model("llama")
    writer.add_token_list([pieces.id_to_piece(i).encode() for i in range(pieces.vocab_size())])
    writer.add_token_scores([pieces.get_score(i) for i in range(pieces.vocab_size())])
    writer.add_token_types(types)
    writer.add_bos_token_id(pieces.bos_id())
    writer.add_eos_token_id(pieces.piece_to_id("<|end|>"))
    writer.add_unk_token_id(pieces.unk_id())
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)


def write_adapter(folder: pathlib.Path, out: pathlib.Path, label: str, heads: int):
    config = json.loads((folder / "adapter_config.json").read_text())
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(config["lora_alpha"]))
    writer.add_name(label)
    writer.add_license("Apache-2.0")
    for name, tensor in sorted(load_file(folder / "adapter_model.safetensors").items()):
        name = name.removeprefix("base_model.model.")
        side = ".lora_a" if ".lora_A." in name else ".lora_b"
        plain = name.replace(".lora_A", "").replace(".lora_B", "")
        if side == ".lora_b":
            tensor = turned(name, tensor, heads)
        # The rows of the other side are as short as the rank, too short for a block.
        if side == ".lora_a":
            quantization = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(
                name_of(plain) + side, gguf.quants.quantize(tensor.astype(numpy.float32), quantization), raw_dtype=quantization
            )
        else:
            writer.add_tensor(name_of(plain) + side, tensor.astype(numpy.float16))
    finish(writer)


def finish(writer: gguf.GGUFWriter):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["model", "adapter"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--tokenizer", type=pathlib.Path)
    parser.add_argument("--type", default="Q8_0")
    parser.add_argument("--label", default="Pumasi guide")
    parser.add_argument("--heads", type=int, default=4)
    arguments = parser.parse_args()
    if arguments.what == "model":
        tokenizer = arguments.tokenizer or arguments.folder / "tokenizer.model"
        write_model(arguments.folder, tokenizer, arguments.out, arguments.type, arguments.label)
    else:
        write_adapter(arguments.folder, arguments.out, arguments.label, arguments.heads)


if __name__ == "__main__":
    main()
