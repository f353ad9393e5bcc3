// The seventeen components of the Model Openness Framework, by the names that the API gives them, and the questions of the Open
// Source AI Definition.

import type { Said } from "../language";

export const parts: Record<string, Said> = {
  "Model architecture": ["model architecture", "모델 구조"],
  "Model parameters (Final)": ["final weights", "최종 가중치"],
  "Model card": ["model card", "모델 카드"],
  "Data card": ["data card", "데이터 카드"],
  "Technical report": ["technical report", "기술 보고서"],
  "Evaluation results": ["evaluation results", "평가 결과"],
  "Sample model outputs": ["sample outputs", "출력 예시"],
  "Training code": ["training code", "학습 코드"],
  "Inference code": ["inference code", "추론 코드"],
  "Evaluation code": ["evaluation code", "평가 코드"],
  "Evaluation data": ["evaluation data", "평가 데이터"],
  "Supporting libraries and tools": ["libraries and tools", "라이브러리와 도구"],
  Datasets: ["datasets", "데이터셋"],
  "Data preprocessing code": ["data preprocessing code", "데이터 전처리 코드"],
  "Model parameters (Intermediate)": ["intermediate weights", "중간 가중치"],
  "Research paper": ["research paper", "연구 논문"],
  "Model metadata": ["training records", "학습 기록"],
};

export const questions: Record<string, Said> = {
  data_information: ["Information about the data", "데이터 정보"],
  code: ["Code", "코드"],
  parameters: ["Weights", "가중치"],
};
