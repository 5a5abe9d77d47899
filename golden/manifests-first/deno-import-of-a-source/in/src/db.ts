import 'npm:pg';
