// Before the first question: what this page is.

import { say, type Said } from "../language";

const words = {
  title: ["What would you like to ask?", "무엇을 물어볼까요?"],
  what: ["Pumasi is an open exchange for open-source AI.", "품앗이는 오픈 소스 AI를 함께 만들고 나누는 열린 거래소입니다."],
  pays: [
    "Each answer pays everyone whose work it stands on, and the bill under it shows who got how much.",
    "답 하나마다 그 바탕이 된 모든 사람이 값을 받고, 누가 얼마를 받았는지 답 아래 계산서에 나옵니다.",
  ],
  play: ["The credits are play credits of this machine’s own network.", "크레딧은 돈이 아니라 이 컴퓨터만의 네트워크에서 쓰는 연습용 크레딧입니다."],
  example: ["What is a royalty?", "로열티가 뭐예요?"],
} satisfies Record<string, Said>;

/** `first`: nothing was asked in this browser yet. `ask` asks the example. */
export function Welcome({ first, ask }: { first: boolean; ask: ((question: string) => void) | undefined }) {
  return (
    <div class="chat-welcome">
      <h1>{say(words.title)}</h1>
      {first && (
        <>
          <p>
            {say(words.what)} {say(words.pays)} {say(words.play)}
          </p>
          {ask && (
            <p>
              <button type="button" onClick={() => ask(say(words.example))}>
                {say(words.example)}
              </button>
            </p>
          )}
        </>
      )}
    </div>
  );
}
