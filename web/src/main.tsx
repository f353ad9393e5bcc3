import { render } from "preact";
import { App } from "./app";
import { look } from "./api";
import "./style/base.css";

void look();
render(<App />, document.getElementById("app")!);
