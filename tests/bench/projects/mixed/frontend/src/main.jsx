import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Route } from 'wouter-preact';

import './main.scss';

function Books() {
  const [wanted, setWanted] = useState('');
  const [books, setBooks] = useState([]);
  useEffect(() => {
    fetch(`/api/books/?q=${encodeURIComponent(wanted)}`)
      .then((response) => response.json())
      .then(setBooks);
  }, [wanted]);
  return (
    <section class="mx-auto max-w-prose p-4">
      <input class="w-full border p-2" placeholder="Title" onInput={(event) => setWanted(event.target.value)} />
      <ul class="mt-4">
        {books.map((book) => (
          <li key={book.isbn} class={book.lent_to ? 'lent' : ''}>
            {book.author}: {book.title}
          </li>
        ))}
      </ul>
    </section>
  );
}

render(<Route path="/">{() => <Books />}</Route>, document.getElementById('app'));
