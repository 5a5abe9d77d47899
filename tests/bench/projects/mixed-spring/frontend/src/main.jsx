import { format, parse } from "date-fns";
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";

function Tides() {
  const [turns, setTurns] = useState([]);
  useEffect(() => {
    fetch("/api/tides")
      .then((answer) => answer.json())
      .then(setTurns);
  }, []);
  return (
    <ul>
      {turns.map((turn) => (
        <li key={turn.at}>
          {turn.what}: {format(parse(turn.at, "HH:mm:ss", new Date(0)), "HH:mm")}
        </li>
      ))}
    </ul>
  );
}

render(<Tides />, document.getElementById("tides"));
