// The entry of the console.
import { render } from "preact";
import { App } from "./app.tsx";
import { storedPreferences } from "./shell/preferences.ts";
import { takeTokenFromAddress } from "./shell/use-session.ts";
import { loadTexts } from "./texts/languages.ts";
import "./style/base.css";
import "./style/shell.css";
import "./style/find.css";
import "./style/results-time.css";
import "./style/cameras.css";
import "./style/journeys.css";
import "./style/audit.css";
import "./style/live.css";
import "./style/exports.css";
import "./style/people.css";
import "./style/playback.css";
import "./style/city.css";
import "./style/watches.css";
import "./style/map.css";

const root = document.getElementById("app");
if (root === null) throw new Error("index.html has no element with the id app");
takeTokenFromAddress();
void loadTexts(storedPreferences().language).then(() => render(<App />, root));
