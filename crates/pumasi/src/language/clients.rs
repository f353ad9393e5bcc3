//! What the node says is wrong to clients of models and of files, in Korean.

/// Sentences as in [`super::said`].
pub const SAID: &[(&str, &str)] = &[
    // Questions to models.
    ("the body cannot be read: {}", "본문을 읽을 수 없습니다: {0}"),
    ("{} cannot be read: {}", "{0}을(를) 읽을 수 없습니다: {1}"),
    (
        "there is no {} here; the header allow says what there is",
        "여기에 {0}은(는) 없습니다. 있는 것은 머리글 allow에 있습니다",
    ),
    ("a conversation needs at least one message", "대화에는 메시지가 하나는 있어야 합니다"),
    ("a role is one of {}", "역할은 이 가운데 하나입니다: {0}"),
    (
        "a role is user or assistant; what the model is told first is system",
        "역할은 user나 assistant입니다. 모델에 먼저 알릴 것은 system에 적어 주세요",
    ),
    ("the models here read text only", "이곳의 모델은 글만 읽습니다"),
    ("the models here write text only", "이곳의 모델은 글만 씁니다"),
    ("the models here write text only; leave audio out", "이곳의 모델은 글만 씁니다. audio를 빼 주세요"),
    (
        "the models here read text only, and no block of type {} with these fields",
        "이곳의 모델은 글만 읽습니다. 이런 값이 든 {0} 종류는 읽지 않습니다",
    ),
    (
        "the models here read text only, and nothing of type {} with these fields",
        "이곳의 모델은 글만 읽습니다. 이런 값이 든 {0}은(는) 읽지 않습니다",
    ),
    (
        "there is nothing to continue; send at least one character, or one token",
        "이어 쓸 것이 없습니다. 글자나 토큰을 하나는 보내 주세요",
    ),
    ("there is nothing to continue; send a prompt", "이어 쓸 것이 없습니다. prompt를 보내 주세요"),
    (
        "an answer needs at least one token, unless the prompt is wanted with echo",
        "echo로 prompt만 받는 것이 아니면 답에는 토큰이 하나는 있어야 합니다",
    ),
    ("at most {} alternatives of each token", "토큰마다 다른 후보는 {0}개까지입니다"),
    ("at most 20 alternatives of each token", "토큰마다 다른 후보는 20개까지입니다"),
    (
        "at most sixteen texts that end the answer, none empty and none above 1,000 bytes",
        "답을 끝내는 글은 열여섯 개까지이고, 비어 있거나 1,000바이트를 넘을 수 없습니다",
    ),
    (
        "a request has from 1 to {} answers; ask again for more",
        "한 번에 답은 1개에서 {0}개까지입니다. 더 필요하면 다시 물어 주세요",
    ),
    (
        "a request has from 1 to {} answers, and this one asks for {}",
        "한 번에 답은 1개에서 {0}개까지인데, 이 질문은 {1}개를 바랍니다",
    ),
    (
        "the models here go on at the end of a text, and do not fill gaps; leave suffix out",
        "이곳의 모델은 글의 끝에서 이어 쓰고, 빈틈을 채우지 않습니다. suffix를 빼 주세요",
    ),
    (
        "the models here go on at the end of a text, and do not fill gaps",
        "이곳의 모델은 글의 끝에서 이어 쓰고, 빈틈을 채우지 않습니다",
    ),
    (
        "answers are not compared here; leave best_of out, and choose among n of them",
        "이곳에서는 답을 견주지 않습니다. best_of를 빼고, n개 가운데 고르세요",
    ),
    (
        "single tokens' chances cannot be changed here yet; leave logit_bias out",
        "토큰 하나하나의 확률은 아직 바꿀 수 없습니다. logit_bias를 빼 주세요",
    ),
    (
        "functions are named in tools; functions is an older form that is not read here",
        "함수는 tools에 적어 주세요. 예전 방식인 functions는 읽지 않습니다",
    ),
    (
        "nothing is searched here; leave web_search_options out",
        "이곳에서는 검색하지 않습니다. web_search_options를 빼 주세요",
    ),
    ("say how many tokens the answer may have at most", "답의 토큰이 많아야 몇 개인지 적어 주세요"),
    ("the models here answer at once; leave thinking out", "이곳의 모델은 바로 답합니다. thinking을 빼 주세요"),
    ("the models here answer at once; leave think out", "이곳의 모델은 바로 답합니다. think를 빼 주세요"),
    (
        "an answer that was begun is not gone on with here; end the conversation with a message of the user",
        "시작된 답을 이어 쓰지는 않습니다. 대화는 사용자의 메시지로 끝나야 합니다",
    ),
    ("its type is auto, any, none, or tool with a name", "종류는 auto, any, none, 또는 이름을 적은 tool입니다"),
    (
        "no tool of type {} is run here; only your own can be named",
        "이곳에서는 {0} 종류의 도구를 쓰지 않습니다. 자기 도구만 적을 수 있습니다",
    ),
    (
        "no tool is run here; only functions of your own, with a name, can be named",
        "이곳에서는 도구를 쓰지 않습니다. 이름이 있는 자기 함수만 적을 수 있습니다",
    ),
    ("only functions, by their names, can be allowed", "이름으로 적은 함수만 허락할 수 있습니다"),
    ("allowed_tools has a list of tools", "allowed_tools에는 도구의 목록이 있어야 합니다"),
    ("the allowed tool {} is not among tools", "허락한 도구 {0}이(가) tools에 없습니다"),
    ("it is json, or the schema of it", "json이나 JSON 스키마를 적어 주세요"),
    (
        "the type of its format is text, json_object or json_schema",
        "format의 종류는 text, json_object, json_schema입니다",
    ),
    (
        "a model answers with its own template; with raw there is none",
        "모델은 자기 템플릿으로 답합니다. raw에는 템플릿이 없습니다",
    ),
    (
        "conversations are not kept here; send the messages to /api/chat",
        "대화를 보관하지 않습니다. 메시지를 /api/chat으로 보내 주세요",
    ),
    (
        "conversations are not kept here; send the messages with each request",
        "대화를 보관하지 않습니다. 물을 때마다 메시지를 함께 보내 주세요",
    ),
    (
        "conversations are not kept here; send the whole conversation in input",
        "대화를 보관하지 않습니다. 대화를 모두 input에 넣어 보내 주세요",
    ),
    ("prompts are not kept here; send the text in input", "prompt를 보관하지 않습니다. 글을 input에 넣어 보내 주세요"),
    (
        "no answer with this id is kept for this API key; the newest are, in memory, for an hour",
        "이 API 키로 보관한 답 가운데 이 id는 없습니다. 새로운 답을 메모리에 한 시간 동안 둡니다",
    ),
    ("{}; send the whole conversation", "{0*}. 대화를 모두 보내 주세요"),
    ("no answer comes later here; leave background out", "나중에 오는 답은 없습니다. background를 빼 주세요"),
    (
        "no answer comes later here; close the connection of one to end it",
        "나중에 오는 답은 없습니다. 답을 그만 받으려면 연결을 끊으세요",
    ),
    (
        "nothing of a conversation is left out here; shorten it yourself",
        "대화에서 무엇도 빼지 않습니다. 직접 줄여 주세요",
    ),
    (
        "what was asked is kept to go on from, and not told again",
        "물은 것은 이어 가려고 둘 뿐, 다시 알려 주지 않습니다",
    ),
    (
        "an embedding is cut short only where a model was trained for it, and no model here says so; leave dimensions \
         out",
        "임베딩은 그렇게 학습한 모델에서만 줄일 수 있는데, 그런 모델이 없습니다. dimensions를 빼 주세요",
    ),
    ("from 1 to {} texts, or lists of tokens", "글이나 토큰 목록은 1개에서 {0}개까지입니다"),
    ("it is float or base64", "float나 base64입니다"),
    (
        "which model? GET /api/tags lists what is offered here",
        "어떤 모델인가요? 제공하는 것은 GET /api/tags에 있습니다",
    ),
    ("which answer? add ?id= and the id of one", "어떤 답인가요? 주소에 ?id=와 답의 id를 붙여 주세요"),
    ("this API key paid for no answer {}", "이 API 키로 값을 치른 답이 아닙니다: {0}"),
    // What is not offered.
    (
        "files are not kept for training here yet; a dataset is published with: pumasi publish",
        "학습할 파일은 아직 받지 않습니다. 데이터는 이렇게 올립니다: pumasi publish",
    ),
    (
        "models are not tuned here yet; one that was tuned elsewhere is published with: pumasi publish",
        "모델을 아직 다듬지 않습니다. 다른 곳에서 다듬은 모델은 이렇게 올립니다: pumasi publish",
    ),
    (
        "models are not judged here yet; an evaluation is published with: pumasi publish",
        "모델을 아직 평가하지 않습니다. 평가는 이렇게 올립니다: pumasi publish",
    ),
    ("requests are not collected here; send each by itself", "질문을 모아 받지 않습니다. 하나씩 보내 주세요"),
    ("nothing is judged here before it is answered", "답하기 전에 무엇도 심사하지 않습니다"),
    ("files are not kept for search here", "검색할 파일을 받지 않습니다"),
    // The Hub's clients.
    (
        "publishing is the owner's: set HF_TOKEN to the text of the file owner-token in the node's data folder",
        "올리는 것은 주인만 할 수 있습니다. HF_TOKEN에 노드의 데이터 폴더에 있는 owner-token 파일의 글을 넣으세요",
    ),
    ("this is an API key, which only spends; {}", "쓰기만 하는 API 키입니다. {0*}"),
    ("you publish under your own name: {}/{}", "자기 이름으로 올립니다: {0}/{1}"),
    ("there are models and datasets here, and nothing else", "이곳에는 모델과 데이터뿐입니다"),
    (
        "what is published here is public, for good; leave private out",
        "이곳에 올린 것은 영원히 공개됩니다. private를 빼 주세요",
    ),
    ("{} is there already; a commit makes a new version", "{0}은(는) 이미 있습니다. 커밋하면 새 버전이 됩니다"),
    (
        "there is no {} {} on this ledger; GET /artifacts lists what there is",
        "이 원장에 {0} {1}은(는) 없습니다. 있는 것은 GET /artifacts에 있습니다",
    ),
    ("{} has no tag and no commit {}", "{0}에 {1}이라는 태그나 커밋이 없습니다"),
    ("there is no {} in commit {}", "커밋 {1}에 {0}이(가) 없습니다"),
    (
        "the files of {} are not stored here; who has this node gets them with: pumasi pull {}",
        "{0}의 파일이 이곳에 없습니다. 노드의 주인이 이렇게 가져옵니다: pumasi pull {1}",
    ),
    ("{} did not come with {} bytes; send it again", "{0}이(가) {1}바이트로 오지 않았습니다. 다시 보내 주세요"),
    ("ask for at most {} files at once", "파일은 한 번에 {0}개까지입니다"),
    (
        "this address is not good, or not any more; ask for another one",
        "맞지 않거나 기한이 지난 주소입니다. 다시 받으세요",
    ),
    ("only upload is done here; files are read at /resolve", "여기서는 올리기만 합니다. 파일은 /resolve에서 읽습니다"),
    (
        "there are no pull requests here; commit to your own repository",
        "풀 리퀘스트는 없습니다. 자기 저장소에 커밋하세요",
    ),
    (
        "{} was not sent yet, or with another length; upload it first",
        "{0}이(가) 아직 오지 않았거나 길이가 다릅니다. 먼저 보내 주세요",
    ),
    ("a commit begins with its header", "커밋은 header로 시작합니다"),
    (
        "a commit changes at most {} files; make several",
        "커밋 하나로 바꿀 수 있는 파일은 {0}개까지입니다. 나누어 커밋하세요",
    ),
    ("{} is no path within a folder", "{0}은(는) 폴더 안의 경로가 아닙니다"),
    ("line {} of the commit cannot be read: {}", "커밋의 {0}번째 줄을 읽을 수 없습니다: {1}"),
    (
        "{} does not point at {} any more; look at what is there now, and commit again",
        "{0}은(는) 이제 {1}을(를) 가리키지 않습니다. 지금 있는 것을 보고 다시 커밋하세요",
    ),
    ("a commit is made on main or on a tag, and this is a commit", "커밋은 main이나 태그에 합니다. 이것은 커밋입니다"),
    // Registries.
    ("{} has no {} on this ledger", "이 원장에 {0}의 {1}은(는) 없습니다"),
    (
        "nothing of {} is stored here; `pumasi show {}` tells whether there is such a work",
        "{0}의 파일이 이곳에 없습니다. 그런 것이 있는지는 `pumasi show {1}`로 볼 수 있습니다",
    ),
    (
        "the files of {} are not here; fetch them first: pumasi pull {}",
        "{0}의 파일이 이곳에 없습니다. 먼저 가져오세요: pumasi pull {1}",
    ),
    (
        "here are manifests, blobs and tags of PUBLISHER/NAME, and nothing else of a registry",
        "이 레지스트리에는 올린이/이름의 manifests, blobs, tags뿐입니다",
    ),
    (
        "nothing is pushed to this registry; publish with: pumasi publish",
        "이 레지스트리에는 올릴 수 없습니다. 이렇게 올립니다: pumasi publish",
    ),
];
