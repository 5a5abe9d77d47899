import { Link, Route, Routes } from 'react-router-dom';

import { Bed } from './components/Bed.jsx';
import { BedList } from './components/BedList.jsx';

export function App() {
  return (
    <main>
      <h1>
        <Link to="/">Allotment</Link>
      </h1>
      <Routes>
        <Route path="/" element={<BedList />} />
        <Route path="/beds/:id" element={<Bed />} />
      </Routes>
      <footer>Version {import.meta.env.VITE_COMMIT ?? 'of today'}</footer>
    </main>
  );
}
