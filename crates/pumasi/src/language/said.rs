//! What the node says is wrong, in Korean.
//!
//! Its parts say it in English, to people and programs alike. Whoever reads Korean gets the same sentence from here: the page by
//! `Accept-Language` (`crates/pumasi/src/node/korean.rs`), the command line where it prints errors.

use super::clients;

/// A sentence of the node in Korean; None if it is none of those that are known.
pub fn in_korean(sentence: &str) -> Option<String> {
    let fits = all().filter_map(|(english, korean)| Some((english, korean, filled(english, sentence)?)));
    // The one that says most itself: what stands at a place can be anything.
    let (_, korean, filled) = fits.max_by_key(|(english, ..)| english.len())?;
    let mut text = String::new();
    let mut rest = *korean;
    while let Some((before, after)) = rest.split_once('{') {
        let (place, after) = after.split_once('}')?;
        let number = place.trim_end_matches('*');
        let value = *filled.get(number.parse::<usize>().ok()?)?;
        let own = if place == number { None } else { in_korean(value) };
        text = text + before + own.as_deref().unwrap_or(value);
        rest = after;
    }
    Some(text + rest)
}

/// All sentences that are known.
fn all() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    SAID.iter().chain(clients::SAID)
}

/// The same, or the sentence as it is.
pub fn or_english(sentence: String) -> String {
    in_korean(&sentence).unwrap_or(sentence)
}

/// What stands at each `{}` of a pattern, if a sentence is of it.
fn filled<'a>(pattern: &str, sentence: &'a str) -> Option<Vec<&'a str>> {
    let mut pieces = pattern.split("{}");
    let mut rest = sentence.strip_prefix(pieces.next()?)?;
    let (mut found, mut pieces) = (Vec::new(), pieces.peekable());
    while let Some(piece) = pieces.next() {
        let at = if pieces.peek().is_none() { rest.len().checked_sub(piece.len())? } else { rest.find(piece)? };
        let (value, after) = (rest.get(..at)?, rest.get(at..)?);
        rest = after.strip_prefix(piece)?;
        found.push(value);
    }
    rest.is_empty().then_some(found)
}

/// Sentences as the sources have them, with `{}` for whatever is put in, and in Korean, where `{0}` is the first of those, and
/// `{0*}` is one that can be a sentence or a word of this list itself.
const SAID: &[(&str, &str)] = &[
    // Whoever asks.
    (
        "this is for the owner: send the token of the file owner-token in the data folder",
        "주인만 할 수 있는 일입니다. 데이터 폴더의 owner-token 파일에 있는 토큰을 보내 주세요",
    ),
    (
        "this link was used before, or is too old; make another one with: pumasi open",
        "이미 쓴 링크이거나 너무 오래된 링크입니다. 새 링크를 만드세요: pumasi open",
    ),
    ("too many wrong links came; try again in a minute", "틀린 링크가 너무 많이 왔습니다. 1분 뒤에 다시 해 보세요"),
    (
        "a session is opened from the page itself, at the address that this node listens on",
        "세션은 이 노드의 주소에서 연 페이지만 시작할 수 있습니다",
    ),
    ("this node is being stopped; try again once it is back", "이 노드를 끄는 중입니다. 다시 켜지면 해 보세요"),
    ("this node is being stopped; try again", "이 노드를 끄는 중입니다. 다시 해 보세요"),
    (
        "there is no {} here; GET /openapi.json lists what there is",
        "여기에 {0} 주소는 없습니다. 있는 것은 GET /openapi.json에 있습니다",
    ),
    // API keys and budgets.
    (
        "send an API key: Authorization: Bearer sk-pumasi-… (Ollama's clients send what OLLAMA_API_KEY says)",
        "API 키를 보내 주세요: Authorization: Bearer sk-pumasi-… (올라마 클라이언트는 OLLAMA_API_KEY의 값을 보냅니다)",
    ),
    (
        "this API key is not known here; make one with: pumasi key new --budget 10",
        "여기서 모르는 API 키입니다. 새로 만드세요: pumasi key new --budget 10",
    ),
    (
        "this API key is {}; make another with: pumasi key new --budget 10",
        "이 API 키는 {0*}. 새로 만드세요: pumasi key new --budget 10",
    ),
    ("the API key {} is {}; make another one", "API 키 {0}은(는) {1*}. 새로 만드세요"),
    ("revoked", "폐기되었습니다"),
    ("expired", "기한이 지났습니다"),
    (
        "there is no API key {}; `pumasi key ls` lists them",
        "그런 API 키가 없습니다: {0}. `pumasi key ls`로 볼 수 있습니다",
    ),
    ("a key's name has at most 100 characters", "키의 이름은 100자까지입니다"),
    ("the amount must be more than 0", "금액은 0보다 커야 합니다"),
    (
        "expected an amount of credits with at most 12 decimals, such as 1.25",
        "금액은 1.25처럼, 소수점 아래 12자리까지 적어 주세요",
    ),
    (
        "this could cost up to {} credits, and the API key has {} free now; lower max_tokens, wait for running \
         answers to end, or top it up: {}",
        "이 질문에는 최대 {0} 크레딧이 들 수 있는데, API 키에 지금 쓸 수 있는 예산은 {1} 크레딧입니다. 답의 길이를 줄이거나, 하고 있는 답이 \
         끝나기를 기다리거나, 예산을 늘리세요: {2*}",
    ),
    (
        "{}, and the API key has {} free now; top it up: {}",
        "{0*}. API 키에 지금 쓸 수 있는 예산은 {1} 크레딧입니다. 예산을 늘리세요: {2*}",
    ),
    (
        "pumasi key topup key_{} CREDITS (its owner), or pumasi wallet send {} CREDITS --for key:key_{} (anybody \
         on this ledger)",
        "pumasi key topup key_{0} 크레딧 (주인), 또는 pumasi wallet send {1} 크레딧 --for key:key_{2} (이 원장의 누구나)",
    ),
    (
        "{}, and {}; get one from its owner (pumasi key new) and send it (HF_TOKEN), or look whether another node \
         has them for nothing: pumasi pull {}",
        "{0*}. {1*}. 게이트웨이의 주인에게서 키를 받아(pumasi key new) 보내거나(HF_TOKEN), 무료로 주는 다른 노드가 있는지 보세요: pumasi pull {2}",
    ),
    (
        "these {} bytes of {} cost {} credits: {} for a GB of weights is what this gateway asks for serving them",
        "{1}의 {0}바이트는 {2} 크레딧입니다. 이 게이트웨이는 가중치 1GB를 내주는 데 {3} 크레딧을 받습니다",
    ),
    ("no API key was sent", "API 키를 보내지 않았습니다"),
    ("what was sent is no API key that may be used here", "보낸 것은 여기서 쓸 수 있는 API 키가 아닙니다"),
    (
        "the gateway pays from the account {} ({}), which has not enough credits for this; ask the gateway's owner, \
         to whom anybody on this ledger can send some: pumasi wallet send {} 1000",
        "게이트웨이가 값을 치르는 계정 {0}에 크레딧이 모자랍니다. 게이트웨이의 주인에게 물어보세요. 이 원장의 누구나 보낼 수 있습니다: pumasi \
         wallet send {2} 1000",
    ),
    (
        "the gateway's owner allows deposits of {} credits in 24 hours, and {} are made; wait, or ask the \
         owner to raise the limit (pumasi wallet limit --per-day CREDITS)",
        "게이트웨이의 주인이 정한 24시간 예치 한도는 {0} 크레딧인데 이미 {1} 크레딧을 넣었습니다. 기다리거나 한도를 늘리세요 (pumasi wallet limit \
         --per-day 크레딧)",
    ),
    (
        "the owner of this gateway has too few credits on the ledger for this; the owner can top up the account",
        "게이트웨이 주인의 크레딧이 이 일을 하기에 모자랍니다. 주인이 계정을 채우면 됩니다",
    ),
    (
        "a deposit must be more than 0; to make none at all, set the daily limit to 0",
        "예치금은 0보다 커야 합니다. 아예 넣지 않으려면 하루 한도를 0으로 하세요",
    ),
    (
        "a deposit of {} would be beyond the daily limit of {}, so none could be made; change both together",
        "예치금 {0}이(가) 하루 한도 {1}을(를) 넘어 한 번도 넣을 수 없습니다. 둘을 함께 바꾸세요",
    ),
    // Asking a model.
    (
        "there is no offer for the model {}; {} (GET /v1/models)",
        "모델 {0}을(를) 제공하는 곳이 없습니다. {1*} (GET /v1/models)",
    ),
    ("nothing is offered now", "지금은 제공되는 것이 없습니다"),
    ("offered are {}", "제공되는 것: {0}"),
    (
        "nobody offers this model now; try again in a moment",
        "지금은 이 모델을 제공하는 곳이 없습니다. 잠시 뒤에 다시 해 보세요",
    ),
    (
        "no provider of this model fits what is asked for; it is offered by {}",
        "이 모델의 공급자 가운데 바라는 조건에 맞는 곳이 없습니다. 제공하는 곳: {0}",
    ),
    (
        "the conversation has {} tokens, and this model reads at most {} with the answer; shorten it",
        "대화가 {0}토큰인데, 이 모델은 답을 더해 {1}토큰까지만 읽을 수 있습니다. 대화를 줄여 주세요",
    ),
    (
        "the provider has too much to do ({}); try again in a moment",
        "공급자가 바쁩니다({0*}). 잠시 뒤에 다시 해 보세요",
    ),
    (
        "too many requests wait for this model; try again in a moment",
        "이 모델을 기다리는 요청이 너무 많습니다. 잠시 뒤에 다시 해 보세요",
    ),
    ("the provider does not answer ({}); try again", "공급자가 답하지 않습니다({0}). 다시 해 보세요"),
    ("the provider broke off ({}); try again", "공급자와 연결이 끊겼습니다({0*}). 다시 해 보세요"),
    ("it took too long", "너무 오래 걸림"),
    (
        "the provider could not finish: {} (nothing is billed)",
        "공급자가 답을 끝내지 못했습니다: {0*} (값을 치르지 않습니다)",
    ),
    (
        "the provider broke off; nothing is billed unless it shows a signed receipt",
        "공급자와 연결이 끊겼습니다. 서명된 영수증을 내놓지 않는 한 값을 치르지 않습니다",
    ),
    ("the provider ended with no good receipt", "공급자가 제대로 된 영수증 없이 끝냈습니다"),
    ("the worker died; try again in a moment", "모델을 돌리던 작업자가 멈췄습니다. 잠시 뒤에 다시 해 보세요"),
    (
        "the provider failed; try another one, or again later",
        "공급자가 답하지 못했습니다. 다른 공급자에게, 또는 나중에 다시 해 보세요",
    ),
    (
        "this offer is not served here now; look for another",
        "그 제공 조건으로는 지금 답하지 않습니다. 다른 것을 찾아보세요",
    ),
    (
        "the channel to the provider is being filled; try again in a moment",
        "공급자와의 채널을 채우는 중입니다. 잠시 뒤에 다시 해 보세요",
    ),
    (
        "the gateway was restored from a backup and compares its books with the provider's; try again in a moment",
        "백업에서 되살린 게이트웨이가 공급자와 장부를 맞춰 보고 있습니다. 잠시 뒤에 다시 해 보세요",
    ),
    ("the ledger does not answer; try again in a moment", "원장이 답하지 않습니다. 잠시 뒤에 다시 해 보세요"),
    (
        "the ledger at {} does not answer ({}); try again in a moment",
        "{0}의 원장이 답하지 않습니다({1}). 잠시 뒤에 다시 해 보세요",
    ),
    ("the gateway failed; its log says why", "게이트웨이에서 문제가 생겼습니다. 까닭은 로그에 있습니다"),
    ("the gateway stops; try again in a moment", "게이트웨이를 끄는 중입니다. 잠시 뒤에 다시 해 보세요"),
    ("the wallet failed; its log says why", "지갑에서 문제가 생겼습니다. 까닭은 로그에 있습니다"),
    ("the system gives no random numbers", "이 컴퓨터가 난수를 내주지 않습니다"),
    ("{} is a number from {} to {}", "{0}은(는) {1}에서 {2}까지의 수입니다"),
    ("an answer needs at least one token", "답은 적어도 1토큰이어야 합니다"),
    ("that many tokens have no price", "그렇게 많은 토큰에는 값을 매길 수 없습니다"),
    (
        "the models here read text only; send parts of type text",
        "여기 있는 모델은 글만 읽습니다. type이 text인 것만 보내 주세요",
    ),
    ("the body is longer than {} MiB; send less", "{0} MiB보다 깁니다. 줄여서 보내 주세요"),
    ("there is no receipt {} here", "여기에 그런 영수증이 없습니다: {0}"),
    (
        "receipt {} was settled long ago; only its leaf under the voucher's root is kept here",
        "영수증 {0}은(는) 정산한 지 오래되어, 지급 확인서의 뿌리 아래에 있던 잎만 여기 남아 있습니다",
    ),
    // Looking for works.
    (
        "there is no artifact {} on this ledger; GET /artifacts or `pumasi ls` lists what there is",
        "이 원장에 그런 아티팩트가 없습니다: {0}. 있는 것은 `pumasi ls`나 둘러보기에서 볼 수 있습니다",
    ),
    ("{} can be {}; write the publisher before it", "{0}은(는) {1}일 수 있습니다. 앞에 게시자를 적어 주세요"),
    ("nobody has the name {}", "이름이 {0}인 계정이 없습니다"),
    ("search with at most {} characters", "찾는 말은 {0}자까지입니다"),
    ("that artifact is not in this list; begin again", "그 아티팩트는 이 목록에 없습니다. 처음부터 다시 보세요"),
    (
        "there is no public {} here; another node may have it",
        "{0}은(는) 여기에 공개되어 있지 않습니다. 다른 노드에는 있을 수 있습니다",
    ),
    // Publishing.
    (
        "you publish under your own name: write {}/NAME, or NAME alone",
        "자기 이름 아래에만 게시합니다. {0}/이름 또는 이름만 적어 주세요",
    ),
    (
        "{} is no name: 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit",
        "{0}은(는) 이름이 될 수 없습니다. a-z, 0-9, '.', '_', '-'로 64자까지, 글자나 숫자로 시작해야 합니다",
    ),
    ("there is no file in it", "파일이 없습니다"),
    (
        "{} is not stored here with {} bytes; send PUT /blobs/{} first",
        "{0}이(가) {1}바이트로 저장되어 있지 않습니다. 먼저 PUT /blobs/{2}로 보내 주세요",
    ),
    (
        "a license is an SPDX expression, such as Apache-2.0 or MIT OR Apache-2.0",
        "라이선스는 Apache-2.0이나 MIT OR Apache-2.0처럼 SPDX 표기로 적어 주세요",
    ),
    (
        "these very files are published already, as {}; use that, or build on it and name it as a parent",
        "똑같은 파일이 이미 게시되어 있습니다: {0}. 그것을 쓰거나, 바탕으로 밝히고 새로 만드세요",
    ),
    (
        "these very files are published already, as {}, with {}, and that is for ever; \
         another version needs a change in its files, such as a line in README.md",
        "똑같은 파일이 이미 게시되어 있는데({0}), {1*} 다르고 이는 바꿀 수 없습니다. 다른 버전으로 내려면 README.md의 한 줄이라도 파일을 고치세요",
    ),
    ("another kind", "종류가"),
    ("another royalty", "로열티가"),
    ("other parents", "바탕이 된 것이"),
    ("other payees", "받는 이가"),
    (
        "the files do not tell what this is; say it: model, adapter, dataset, recipe or evaluation",
        "파일만으로는 무엇인지 알 수 없습니다. 모델, 어댑터, 데이터셋, 레시피, 평가 가운데 골라 주세요",
    ),
    ("{} is this very artifact", "{0}은(는) 바로 이 아티팩트입니다"),
    ("in README.md, {}", "README.md: {0}"),
    (
        "somebody else's work asks no royalty until its author claims it; leave the royalty out",
        "남의 작품은 만든 이가 나설 때까지 로열티를 받지 않습니다. 로열티를 비워 주세요",
    ),
    (
        "payees share a royalty, and this asks none; name a royalty too",
        "받는 이들이 나눌 로열티가 없습니다. 로열티도 적어 주세요",
    ),
    ("a royalty is shared by at most {} accounts", "로열티는 {0}명까지 나눌 수 있습니다"),
    (
        "nobody has the name {}; an account's id is 64 hexadecimal digits",
        "이름이 {0}인 계정이 없습니다. 계정의 id는 16진수 64자리입니다",
    ),
    ("the weight of {} must be at least 1", "{0}의 몫은 1 이상이어야 합니다"),
    ("{} is named twice", "{0}이(가) 두 번 있습니다"),
    (
        "on this network a royalty is at most {} credits per million tokens",
        "이 네트워크에서 로열티는 백만 토큰당 {0} 크레딧까지입니다",
    ),
    ("an artifact has at most {} parents", "바탕이 된 것은 {0}개까지 밝힐 수 있습니다"),
    (
        "an artifact has at most {} weight files; join some of them",
        "가중치 파일은 {0}개까지입니다. 몇 개를 합쳐 주세요",
    ),
    (
        "{} was retired by its publisher and takes no new children",
        "{0}은(는) 게시자가 내려서, 이것을 바탕으로 새로 게시할 수 없습니다",
    ),
    ("the lineage has more than {} works with a royalty", "계보에 로열티를 받는 작품이 {0}개를 넘습니다"),
    (
        "you published {} before, in {}, which is built on {}; whoever has that file is too: \
         add it with --parent {}",
        "{0} 파일은 전에 {1}에서 게시했고, 그것은 {2}을(를) 바탕으로 했습니다. 이 파일이 든 것도 마찬가지이니 바탕이 된 것에 {2}을(를) 더해 주세요",
    ),
    (
        "{} was first published by somebody else, in {}; what has that file is built on it: \
         add it with --parent {}",
        "{0} 파일은 다른 사람이 {1}에서 먼저 게시했습니다. 이 파일이 든 것은 그것을 바탕으로 한 것이니 바탕이 된 것에 {2}을(를) 더해 주세요",
    ),
    (
        "publishing takes {} credits, and this account has {}",
        "게시하려면 {0} 크레딧이 드는데, 이 계정에 있는 것은 {1} 크레딧입니다",
    ),
    (
        "{} was published by {}, and only its publisher may do this",
        "{0}은(는) {1}이(가) 게시했고, 게시자만 할 수 있는 일입니다",
    ),
    ("the files of {} are not stored here", "{0}의 파일은 여기에 없습니다"),
    (
        "{}: pickle files can run anybody's code when they are loaded; convert it to safetensors",
        "{0}: 피클 파일은 불러올 때 남의 코드를 실행할 수 있습니다. safetensors로 바꿔 주세요",
    ),
    ("{}: it is not a GGUF file", "{0}: GGUF 파일이 아닙니다"),
    ("{}: it ends at byte {}", "{0}: {1}바이트에서 끊겨 있습니다"),
    ("{}: it is too short for a safetensors file", "{0}: safetensors 파일이라기에는 너무 짧습니다"),
    ("{} holds a vocabulary and no weights", "{0}에는 어휘만 있고 가중치가 없습니다"),
    ("{} does not say which kind of adapter it is", "{0}에 어떤 어댑터인지 적혀 있지 않습니다"),
    ("it holds weights in several types: {}", "가중치의 자료형이 여럿입니다: {0}"),
    (
        "its files name two values for the {}, {} and {}; the first is taken",
        "파일에 적힌 {0*}이(가) {1}과(와) {2}, 두 가지입니다. 앞의 것으로 합니다",
    ),
    ("license", "라이선스"),
    ("architecture", "구조"),
    ("it holds {} and {}, and is taken for {}", "{0*}과(와) {1*}이(가) 함께 있어, {2*}(으)로 봅니다"),
    ("weights that run on their own", "스스로 돌아가는 가중치"),
    ("results of an evaluation", "평가 결과"),
    ("data with a card of a dataset", "데이터셋 카드가 있는 데이터"),
    ("code", "코드"),
    ("data", "데이터"),
    ("a model", "모델"),
    ("an adapter", "어댑터"),
    ("a dataset", "데이터셋"),
    ("a recipe", "레시피"),
    ("an evaluation", "평가"),
    ("there is no {} here; import or pull it first", "{0}이(가) 여기에 없습니다. 먼저 가져오거나 받으세요"),
    (
        "{} is damaged on this disk; import or pull it again",
        "{0}이(가) 이 디스크에서 손상되었습니다. 다시 가져오거나 받으세요",
    ),
    (
        "{} is being received already; wait for that, or end it",
        "{0}을(를) 이미 받고 있습니다. 끝나기를 기다리거나 그만두세요",
    ),
    ("the received bytes are not {}", "받은 내용이 {0}과(와) 다릅니다"),
    // Offering.
    (
        "it is being loaded already; wait until that ends, or take it back first",
        "이미 올리는 중입니다. 끝나기를 기다리거나 먼저 거두세요",
    ),
    ("it was taken back before it could be offered", "제공하기 전에 거두었습니다"),
    ("{} is not offered here", "{0}은(는) 여기서 제공하지 않습니다"),
    ("its publisher retired it, so there are no new offers of it", "게시자가 내린 것이라 새로 제공할 수 없습니다"),
    ("it is {}, and only models and adapters answer", "{0*}입니다. 답할 수 있는 것은 모델과 어댑터뿐입니다"),
    (
        "the adapter's lineage names no model to run it on; publish it with its model as a parent",
        "이 어댑터의 계보에 바탕 모델이 없습니다. 바탕 모델을 밝혀 다시 게시하세요",
    ),
    (
        "none of the models it was made for is stored here with one GGUF file; pull {}",
        "바탕 모델의 GGUF 파일이 여기에 없습니다. 먼저 받으세요: {0}",
    ),
    (
        "{} has not exactly one GGUF file, and only that runs here",
        "{0}의 GGUF 파일이 하나가 아닙니다. 여기서는 GGUF 파일 하나로 된 것만 돌릴 수 있습니다",
    ),
    ("the model file cannot be loaded: {}", "모델 파일을 불러올 수 없습니다: {0}"),
    (
        "the worker died while loading the model file; the file is damaged, or needs more memory than there is",
        "모델 파일을 불러오다가 작업자가 멈췄습니다. 파일이 손상되었거나 메모리가 모자랍니다",
    ),
    ("it cannot answer: {}", "답하지 못합니다: {0*}"),
    (
        "it cannot answer within this context; allow more tokens",
        "이 문맥 길이로는 답하지 못합니다. 토큰 수를 늘려 주세요",
    ),
    // The wallet and the ledger.
    (
        "nobody on this ledger is called {}; give a name, or an id of 64 hexadecimal digits",
        "이 원장에 그런 계정이 없습니다: {0}. 이름이나 16진수 64자리 id를 적어 주세요",
    ),
    ("amount: {}", "{0*}"),
    (
        "{} would send this to itself; name another account, or send from another one",
        "보내는 계정과 받는 계정이 같습니다({0}). 다른 계정을 적거나 다른 계정에서 보내세요",
    ),
    (
        "something else was asked for under this id; ask with another one",
        "같은 id로 다른 것을 부탁한 적이 있습니다. 다른 id로 해 보세요",
    ),
    ("the ledger refused: {}", "원장이 거절했습니다: {0*}"),
    ("{} ({} {})", "{0*} ({1} {2})"),
    ("The account has not enough credits.", "계정의 크레딧이 모자랍니다."),
    ("The account cannot pay the operation's fee.", "계정이 작업 수수료를 낼 수 없습니다."),
    ("the ledger knows no {} {}", "원장에 없습니다: {0*} {1}"),
    ("artifact", "아티팩트"),
    ("channel", "채널"),
    ("entry", "기록"),
    ("offer", "제공 조건"),
    ("entry {} of the log is not an operation", "로그의 기록 {0}은(는) 작업이 아닙니다"),
    ("{} has no artifact tagged {}", "{0}의 아티팩트에 그런 태그가 없습니다: {1}"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn what_stands_in_a_sentence_is_put_into_the_korean_one() {
        for (english, korean) in [
            ("an artifact has at most 8 parents", Some("바탕이 된 것은 8개까지 밝힐 수 있습니다")),
            (
                "this API key is revoked; make another with: pumasi key new --budget 10",
                Some("이 API 키는 폐기되었습니다. 새로 만드세요: pumasi key new --budget 10"),
            ),
            (
                "nobody has the name x; an account's id is 64 hexadecimal digits",
                Some("이름이 x인 계정이 없습니다. 계정의 id는 16진수 64자리입니다"),
            ),
            ("an artifact has at most 8 parents, and more", None),
            ("한국어 {0}", None),
            ("", None),
        ] {
            assert_eq!(in_korean(english).as_deref(), korean, "{english}");
        }
    }

    /// All sources of the crates as one text: each sentence on one line, each place for a value as `{}`.
    fn sources() -> String {
        let mut text = String::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("..")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|name| name == "rs")
                    && !path.parent().is_some_and(|folder| folder.ends_with("language"))
                {
                    text += &std::fs::read_to_string(path).unwrap();
                }
            }
        }
        let mut lines = text.split("\\\n");
        let mut joined = lines.next().unwrap().to_owned();
        lines.for_each(|line| joined += line.trim_start());
        let mut pieces = joined.split('{');
        let mut plain = pieces.next().unwrap().to_owned();
        for piece in pieces {
            let short = piece.split_once('}').filter(|(inside, _)| !inside.contains(['\n', '"', ' ']));
            plain += &short.map_or_else(|| format!("{{{piece}"), |(_, after)| format!("{{}}{after}"));
        }
        plain
    }

    #[test]
    fn each_sentence_is_one_that_the_sources_say() {
        let sources = sources();
        for (english, korean) in all() {
            // What a path is put before is said by its own error.
            let said = english.strip_prefix("{}: ").unwrap_or(english);
            let said = said.strip_prefix("expected ").unwrap_or(said);
            assert!(sources.contains(&format!("\"{said}\"")), "nobody says: {english}");
            let places = english.matches("{}").count();
            let filled: Vec<String> = (0..places).map(|number| format!("value-{number}")).collect();
            let sentence = filled.iter().fold((*english).to_owned(), |text, value| text.replacen("{}", value, 1));
            let expected = filled.iter().enumerate().fold((*korean).to_owned(), |text, (number, value)| {
                text.replace(&format!("{{{number}*}}"), value).replace(&format!("{{{number}}}"), value)
            });
            assert!(!expected.contains(['{', '}']), "{korean} has a place that {english} does not fill");
            assert_eq!(in_korean(&sentence), Some(expected), "another one stands for it: {english}");
        }
    }
}
