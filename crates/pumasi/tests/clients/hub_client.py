"""What programs that were written for the Hugging Face Hub do, with HF_ENDPOINT and HF_TOKEN set. Usage: FOLDER"""
import hashlib
import json
import os
import sys

from datasets import load_dataset
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoTokenizer, LlamaConfig, PreTrainedTokenizerFast

(work,) = sys.argv[1:]
api = HfApi()

# A repository's history: each commit is a version.
first = api.model_info("you/new", files_metadata=True)
assert first.sha and len(first.sha) == 40 and first.card_data.license == "MIT", first
weights = next(file for file in first.siblings if file.rfilename == "deep/er/weights.dat")
with open(f"{work}/new/deep/er/weights.dat", "rb") as file:
    assert weights.lfs.sha256 == hashlib.sha256(file.read()).hexdigest()
added = api.upload_file(path_or_fileobj=b"one more", path_in_repo="deep/more.txt", repo_id="you/new")
assert api.model_info("you/new").sha == added.oid != first.sha
assert [commit.commit_id for commit in api.list_repo_commits("you/new")] == [added.oid, first.sha]
assert api.list_repo_commits("you/new")[0].title == "Upload deep/more.txt with huggingface_hub"
removed = api.create_commit(
    "you/new",
    [CommitOperationDelete("deep/er/"), CommitOperationAdd("deep/more.txt", b"other words")],
    commit_message="less",
    commit_description="그 밖의 말",
    parent_commit=added.oid,
)
newest = api.list_repo_commits("you/new")[0]
assert (newest.title, newest.message) == ("less", "그 밖의 말"), newest
assert sorted(api.list_repo_files("you/new")) == ["README.md", "config.json", "deep/more.txt", "empty"]
assert "deep/er/weights.dat" in api.list_repo_files("you/new", revision=first.sha)
assert api.file_exists("you/new", "deep/more.txt") and not api.file_exists("you/new", "deep/er/weights.dat")
assert {entry.path for entry in api.list_repo_tree("you/new", "deep")} == {"deep/more.txt"}
assert [entry.path for entry in api.get_paths_info("you/new", ["deep", "nothing"])] == ["deep"]
with open(hf_hub_download("you/new", "deep/more.txt", revision=added.oid)) as file:
    assert file.read() == "one more"
api.create_tag("you/new", tag="v1", revision=first.sha)
api.create_branch("you/new", branch="draft")
aside = api.upload_file(path_or_fileobj=b"aside", path_in_repo="aside.txt", repo_id="you/new", revision="draft")
assert api.model_info("you/new", revision="draft").sha == aside.oid and api.model_info("you/new").sha == removed.oid
refs = api.list_repo_refs("you/new")
assert [(tag.name, tag.target_commit) for tag in refs.tags] == [("draft", aside.oid), ("v1", first.sha)], refs
assert refs.branches[0].target_commit == removed.oid, refs
assert "you/new" in [model.id for model in api.list_models(author="you", limit=1000)]
assert api.repo_exists("you/new") and not api.repo_exists("you/nothing")
assert not api.repo_exists("you/new", repo_type="dataset")

for ask, status in [
    (lambda: api.create_commit("you/new", [CommitOperationAdd("a", b"a")], commit_message="late", parent_commit=added.oid), 412),
    (lambda: api.create_commit("you/new", [CommitOperationDelete("gone")], commit_message="twice"), 404),
    (lambda: api.create_commit("you/new", [CommitOperationAdd("a", b"a")], commit_message="ask", create_pr=True), 400),
    (lambda: api.create_commit("kim/new", [CommitOperationAdd("a", b"a")], commit_message="not mine"), 403),
    (lambda: api.upload_file(path_or_fileobj=b"\x80\x04\x95.", path_in_repo="a.pkl", repo_id="you/new"), 400),
]:
    try:
        ask()
        raise SystemExit(f"what should have been {status} was done")
    except HfHubHTTPError as caught:
        assert caught.response.status_code == status, (status, caught)
        assert caught.response.headers["x-error-message"] in str(caught), caught

# A tokenizer gives the same tokens wherever it comes from.
words = Tokenizer(models.BPE(unk_token="<unk>"))
words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
words.train_from_iterator(["once upon a time", "옛날 옛적에 " * 9], trainers.BpeTrainer(vocab_size=300, special_tokens=["<unk>"]))
local = PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>")
local.save_pretrained(f"{work}/tokens")
LlamaConfig(vocab_size=300, hidden_size=8, num_hidden_layers=1, num_attention_heads=1).save_pretrained(f"{work}/tokens")
api.create_repo("you/tokens", exist_ok=True)
api.upload_folder(repo_id="you/tokens", folder_path=f"{work}/tokens")
remote = AutoTokenizer.from_pretrained("you/tokens")
for text in ["once upon a time", "옛날 옛적에", "", "x\n\ty"]:
    assert remote(text).input_ids == local(text).input_ids, text
assert AutoConfig.from_pretrained("you/tokens").vocab_size == 300

# A dataset, by the name that it was published under, and a model whose card names it.
os.makedirs(f"{work}/tales/data")
rows = [{"text": f"tale {number}", "length": number} for number in range(100)]
with open(f"{work}/tales/data/train.jsonl", "w") as file:
    file.writelines(json.dumps(row) + "\n" for row in rows)
with open(f"{work}/tales/README.md", "w") as file:
    file.write("---\nlicense: cc-by-4.0\n---\n# Tales\n")
api.create_repo("you/tales", repo_type="dataset", exist_ok=True)
api.upload_folder(repo_id="you/tales", repo_type="dataset", folder_path=f"{work}/tales")
assert load_dataset("you/tales", split="train").to_list() == rows
assert [data.id for data in api.list_datasets(author="you")] == ["you/tales"]
card = b"---\nlicense: mit\ndatasets: [you/tales]\nbase_model: you/tokens\n---\n# Tuned\n"
api.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id="you/tuned")
told = api.model_info("you/tuned").card_data
assert (told.base_model, told.datasets) == (["you/tokens"], ["you/tales"]), told
